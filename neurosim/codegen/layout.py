"""The integer array `book` of a program: where its tables, events and recording entries lie.

    header      12                 offsets of what follows; ev_add is the place of the first event's value in `tab`; then the
                                   width B of a block of the ring buffer, its slots L - 1, its blocks, unused
    slots       4 * n_tables       offset in `tab`, rows, columns of each table, unused
    ev_first    n_tiles + 1        events of each tile
    ev_step     n_events           step, ascending within a tile
    ev_place    n_events           row * 64 + lane
    re_first    n_tiles + 1        recording entries of each tile: one for each probe that has neurons there
    re_table    7 * n_entries      row (or ~number of a derived quantity), steps between samples, stride in `rec`, next step,
                                   next place in `rec`, number of neurons, place of their lanes in `book` (-1: 0, 1, 2 ...)
    re_lanes    any                lanes of the entries that list them

The ring buffer of a population holds what arrives at its neurons in the coming steps, by row (receptor or state), block of
B neurons, step modulo L, neuron:  ring[((row n_blocks + block) L + step mod L) B + i].
"""

from __future__ import annotations

import numpy as np


def make_book(slots: np.ndarray, ev_first: np.ndarray, ev_step: np.ndarray, ev_place: np.ndarray, ev_add: int,
              re_first: np.ndarray, re_table: np.ndarray, re_lanes: np.ndarray,
              ring: tuple[int, int, int] = (1, 0, 1)) -> np.ndarray:
    """Return the book; `re_table` has shape (7, n_entries) with places in `re_lanes`, `ev_add` is an offset in `tab`."""
    sizes = [p.size for p in (slots, ev_first, ev_step, ev_place, re_first, re_table)]
    offsets = 12 + np.concatenate([[0], np.cumsum(sizes)])
    places = re_table[6]
    places[places >= 0] += offsets[6]
    parts = [slots, ev_first, ev_step, ev_place, re_first, re_table.ravel(), re_lanes]
    header = [offsets[0], offsets[1], offsets[2], offsets[3], ev_add, offsets[4], offsets[5], re_table.shape[1], *ring, 0]
    return np.concatenate([np.array(header, np.int64), *(p.astype(np.int64) for p in parts)])
