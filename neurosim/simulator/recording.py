"""Where the samples of the probes of one population go: one entry for each probe and tile (see codegen/layout.py)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.codegen.plan import LANES
from neurosim.errors import SimulationError
from neurosim.simulator.network import Probe


@dataclass
class Recording:
    """Places of one probe in the array of all samples of its population."""

    probe: Probe
    name: str
    every: int
    offset: int
    n_times: int
    first_step: int


def lay_out(probes: Iterable[tuple[Probe, str]], codes: Mapping[str, int], n: int, first_step: int, n_steps: int,
            dt: float, ahead: float = 0.0) -> tuple[list[Recording], np.ndarray, np.ndarray, np.ndarray, int]:
    """Lay out probes for the steps first_step ... first_step + n_steps - 1.

    Args:
        probes: probe and its name, all of one population.
        codes: row of a state, or ~number of a derived quantity, by variable.
        n: number of neurons.
        first_step, n_steps: the steps of the run.
        dt: ms.
        ahead: the time of step s is (s + ahead) dt; other than 0 after a run with another dt.

    Returns:
        recordings; first entry of each tile (n_tiles + 1,); entries (7, n_entries); listed lanes; samples in all.
    """
    recordings, entries, lanes = [], [np.zeros((8, 0), np.int64)], [np.zeros(0, np.int64)]
    offset, n_listed = 0, 0
    for probe, name in probes:
        every = interval(probe, dt)
        start = _first_sample(first_step, every, ahead)
        n_times = max(0, -(-(first_step + n_steps - start) // every))
        recordings.append(Recording(probe, name, every, offset, n_times, start))
        if n_times:
            if probe.target.chosen is None:
                tiles = np.arange(-(-n // LANES))
                counts = np.minimum(LANES, n - tiles * LANES)
                listed = np.full(len(tiles), -1)
            else:
                neurons = probe.target.chosen
                tiles, begins, counts = np.unique(neurons // LANES, return_index=True, return_counts=True)
                listed = n_listed + begins
                lanes.append(neurons % LANES)
                n_listed += len(neurons)
            place = offset + np.cumsum(counts) - counts
            same = np.ones_like(tiles)
            entries.append(np.stack([tiles, codes[probe.variable] * same, every * same, len(probe.target) * same,
                                     start * same, place, counts, listed]))
        offset += n_times * len(probe.target)
    table = np.concatenate(entries, axis=1)
    table = table[:, np.argsort(table[0], kind="stable")]
    first = np.searchsorted(table[0], np.arange(-(-n // LANES) + 1))
    return recordings, first, table[1:], np.concatenate(lanes), offset


def _first_sample(first_step: int, every: int, offset: float) -> int:
    """Return the first step from `first_step` on at a time that is a multiple of `every` steps, or just after it."""
    whole = round(offset)
    if abs(offset - whole) < 1e-6:
        return -(-(first_step + whole) // every) * every - whole
    k = math.ceil((first_step + offset) / every - 1e-6)
    return math.ceil(k * every - offset - 1e-6)


def interval(probe: Probe, dt: float) -> int:
    """Return the steps between two samples of a probe.

    Raises:
        SimulationError: if they are not a whole number.
    """
    if probe.every is None:
        return 1
    every = round(probe.every / dt)
    if every < 1 or abs(every * dt - probe.every) > 1e-6 * dt * max(1, every):
        raise SimulationError(f"Probe of {probe.variable!r}: every={probe.every} ms is not a multiple of dt={dt} ms. "
                              f"Try every={max(1, every) * dt:g}.")
    return every
