"""Recall of Hopfield networks in plain NumPy, all states at once.

Asynchronous updates go through the units in one random order for all states, which lets a unit of all of them be a product of a
matrix with a vector.  compile_s is the whole work once before the runs.
"""

import os
import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from serve import Stopwatch, arguments, resident_mb, serve  # noqa: E402

given = arguments(("default",))
# before NumPy is loaded
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(given.threads)
watch = Stopwatch()
import numpy as np  # noqa: E402
from learning import SEED, measured, memories  # noqa: E402

work = given.work
import_s = watch()
matrix, states, wanted = memories(work)


def asynchronous(x):
    """Update unit after unit until a sweep changes nothing."""
    rng = np.random.default_rng(SEED)
    # units in rows: the values of one of them in all states lie together
    x = np.ascontiguousarray(x.T)
    changed = True
    while changed:
        changed = False
        for i in rng.permutation(len(x)):
            # the weights are symmetric: a row is a column
            h = matrix[i] @ x
            turned = x[i] * h < 0
            if turned.any():
                x[i, turned] *= -1
                changed = True
    return x.T


def synchronous(x):
    """Update all units at once until nothing changes."""
    while True:
        h = x @ matrix
        new = np.where(x * h < 0, -x, x)
        if np.array_equal(new, x):
            return x
        x = new


def recall():
    """Return what tells the outcome."""
    found = (asynchronous if "_asynchronous" in work.name else synchronous)(states)
    return lambda: [float((found == wanted).mean()), float((-0.5 * (found @ matrix) * found).sum(axis=1).mean())]


build_s, base_mb = watch(), resident_mb()
recall()
compile_s = watch()
serve("numpy", np.__version__, given, measured(lambda: recall), build_s, compile_s, import_s, base_mb=base_mb)
