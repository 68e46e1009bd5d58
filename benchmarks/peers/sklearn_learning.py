"""Restricted Boltzmann machines in scikit-learn: BernoulliRBM, which learns by persistent contrastive divergence.

compile_s is the whole work once before the runs.
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
import sklearn  # noqa: E402
from learning import RBM_RATE, SEED, likelihood, measured, pixels  # noqa: E402
from sklearn.neural_network import BernoulliRBM  # noqa: E402

work = given.work
import_s = watch()
v = pixels(work, given.precision)


def fresh():
    rbm = BernoulliRBM(work.sizes[1], learning_rate=RBM_RATE, batch_size=work.batch, n_iter=work.steps, random_state=SEED)

    def fit():
        rbm.fit(v)
        return lambda: [likelihood(v, rbm.components_.T, rbm.intercept_visible_, rbm.intercept_hidden_)]

    return fit


build_s, base_mb = watch(), resident_mb()
fresh()()
compile_s = watch()
serve("sklearn", sklearn.__version__, given, measured(fresh), build_s, compile_s, import_s, base_mb=base_mb)
