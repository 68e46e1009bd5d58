"""Spikes and graded signals added up in registers, or two at a time: the same bits as one after the other."""

import numpy as np
import pytest

from neurosim.kernels import delivery

KINDS = (np.float32, np.float64)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@pytest.mark.parametrize("d", range(1, 8))
@pytest.mark.parametrize("low, high", [(0, 200), (37, 163)])
@pytest.mark.parametrize("same", [False, True], ids=["own", "same"])
def test_rows_of_targets_side_by_side(d, low, high, same, kind):
    """All sources, or 37 ... 162 of 200, whose targets change in stretches, in turn, and not at all."""
    rng = np.random.default_rng([d, low])
    n, slots, width = 200, 4, 30
    begin = np.repeat(rng.integers(0, width - d + 1, 60), rng.integers(1, 9, 60))[:high - low]
    begin[20:40:2] = 3
    if same:
        begin = np.full(1, 11)
    weight = rng.standard_normal((high - low, d)).astype(kind)
    ring = rng.standard_normal(3 * slots * width).astype(kind)
    log, count = np.zeros(2 * n, np.int64), np.zeros(2, np.int64)
    found = ring.copy()
    for step in range(5):
        fired = np.flatnonzero(rng.random(n) < (0.5, 0.0, 1.0, 0.02, 0.9)[step])
        log[(step & 1) * n:(step & 1) * n + fired.size], count[step & 1] = fired, fired.size
        book = np.array([n, 1, slots * width, width, slots - 1, 1, d, low, high])
        delivery.deliver_rows(step, 1, book, begin, weight.ravel(), log, count, found)
        base = slots * width + ((step + 2) & (slots - 1)) * width
        for j in fired[(fired >= low) & (fired < high)] - low:
            for i in range(d):
                ring[base + begin[0 if same else j] + i] += weight[j, i]
    np.testing.assert_array_equal(found, ring)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_runs_of_several_sources_onto_the_same_targets(kind):
    """One to five runs onto one stretch of targets, some of sources that are silent, and runs of other lengths between them."""
    rng = np.random.default_rng(5)
    width, slots, rows, row = 90, 2, 2, 1
    x = rng.standard_normal(3 * rows * 64).astype(kind)
    x[rng.random(x.size) < 0.3] = 0.0
    places = [(0, 50)] * 2 + [(20, 64)] * 3 + [(20, 63), (21, 63), (0, 90)] + [(5, 1)] * 5
    runs = np.array([(rng.integers(0, 192), *place) for place in places * 6])
    offset = np.concatenate([[0], np.cumsum(runs[:-1, 2])])
    weight = rng.standard_normal(runs[:, 2].sum()).astype(kind)
    ring = rng.standard_normal(slots * width).astype(kind)
    found = ring.copy()
    book = np.array([len(runs), 0, width, slots - 1, 0, rows, row])
    delivery.graded_runs(2, 1, book, runs.ravel(), offset, weight, x, found)
    base = ((2 + 1 + 0) & 1) * width
    for (j, begin, length), at in zip(runs, offset):
        y = x[((j >> 6) * rows + row) * 64 + (j & 63)]
        if y != 0:
            for i in range(length):
                ring[base + begin + i] += weight[at + i] * y
    np.testing.assert_array_equal(found, ring)
    assert (x[((runs[:, 0] >> 6) * rows + row) * 64 + (runs[:, 0] & 63)] == 0).any()
