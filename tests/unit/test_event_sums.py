"""Sums of rows by events, and masks of what is not 0: compiled, interpreted and written down as loops, the same bits."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import json, sys
import numpy as np
from neurosim.kernels.jit import array_kernel
from neurosim.kernels.masks import WIDTH, lowest, mask_of, without_lowest
from neurosim.kernels.widths import tile
from neurosim.kernels.tiles import add_rows, sum_rows

@array_kernel
def sums(w, stride, event, value, first, out, columns):
    for k in range(first.size - 1):
        sum_rows(w, stride, event, value, first[k], first[k + 1], out, 2 * k * columns)
        add_rows(w, stride, event, value, first[k], first[k + 1], out, (2 * k + 1) * columns)

@array_kernel
def places(line, at, found):
    k, mask = 0, mask_of(line, at)
    while mask != 0:
        found[k] = lowest(mask)
        k += 1
        mask = without_lowest(mask)
    return k

answer = {}
for kind in ("float32", "float64"):
    rng = np.random.default_rng(1)
    columns = tile(kind)
    stride = columns + 3
    w = rng.standard_normal(20*stride).astype(kind)
    first = np.array([0, 0, 1, 9, 40])
    event, value = rng.integers(0, 20, 40).astype(np.int32), rng.standard_normal(40).astype(kind)
    out = rng.standard_normal(8*columns).astype(kind)
    sums(w, stride, event, value, first, out, columns)
    line = np.zeros(100, kind)
    line[[3, 10, 11, 40, 73, 74, 90]] = [1, -2, np.nan, np.inf, 1e-40 if kind == "float32" else 5e-324, -0.0, 7]
    found = np.zeros(64, np.int64)
    k = places(line, 10, found)
    # numbers as they are in memory
    answer[kind] = [out.tobytes().hex(), found[:k].tolist(), places(np.ones(64, kind), 0, found), places(line, 12, found)]
print(json.dumps(answer))
"""


@pytest.mark.parametrize("off", ["0", "1"])
def test_sums_and_masks_are_those_of_loops(off):
    environment = {**os.environ, "NUMBA_DISABLE_JIT": off}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    for kind, columns in (("float32", 64), ("float64", 32)):
        rng = np.random.default_rng(1)
        w = rng.standard_normal(20*(columns + 3)).astype(kind).reshape(20, -1)[:, :columns]
        event, value = rng.integers(0, 20, 40), rng.standard_normal(40).astype(kind)
        out = rng.standard_normal(8*columns).astype(kind).reshape(4, 2, columns)
        out[:, 0] = 0
        for k, (begin, end) in enumerate(((0, 0), (0, 1), (1, 9), (9, 40))):
            for e in range(begin, end):
                out[k] += value[e]*w[event[e]]
        sums, places, full, later = answer[kind]
        assert sums == out.tobytes().hex()
        # NaN, infinity and the smallest number are not 0, -0 is
        assert places == [0, 1, 30, 63] and full == 64 and later == 2
