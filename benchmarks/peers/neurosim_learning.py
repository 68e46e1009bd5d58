"""Learning and recall in neurosim.

compile_s is the whole work once, which compiles what is not in the cache or loads it; it does not count as a run.
"""

import os
import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from serve import Stopwatch, arguments, resident_mb, serve  # noqa: E402

given = arguments(("built-in", "cd-1"))
# before NumPy is loaded
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(given.threads)
watch = Stopwatch()
try:
    import neurosim as ns
except ImportError:
    sys.path.insert(1, str(Path(__file__).resolve().parents[2]))
    import neurosim as ns
from learning import (  # noqa: E402
    PC_ITERATIONS,
    PC_MOMENTUM,
    PC_RATE,
    PC_STEP,
    RATE,
    RBM_RATE,
    SEED,
    digest,
    likelihood,
    measured,
    memories,
    pixels,
    products_s,
    samples,
    weights,
)

work, precision = given.work, given.precision


def perceptron():
    """Return what trains anew by backprop."""
    from neurosim import learning as nl

    x, t = samples(work, precision)
    first = weights(work, precision)
    layers = [nl.Dense(n, "relu") for n in work.sizes[1:-1]] + [nl.Dense(work.sizes[-1])]

    def fresh():
        model = nl.build(layers, work.sizes[0], dtype=precision)
        for k, w in enumerate(first):
            model.parameters[f"{k}.w"].value[...] = w

        def train():
            history = nl.train(model, x, t, nl.categorical_cross_entropy, nl.Adam(RATE), epochs=work.steps, batch=work.batch,
                               seed=SEED, progress=False)
            return lambda: history.loss + digest(model.parameters[f"{k}.w"].value for k in range(len(first)))

        return train

    return fresh


def predictive_coding():
    """Return what trains anew by predictive coding."""
    from neurosim import predictive

    x, t = samples(work, precision)
    first = weights(work, precision)

    def fresh():
        net = predictive.PredictiveNetwork(work.sizes, dtype=precision)
        # layer 0 is the answer here
        for m, w in zip(net.M, first[::-1]):
            m[...] = w

        def train():
            history = predictive.train(net, x, t, epochs=work.steps, batch=work.batch, rate=PC_RATE, momentum=PC_MOMENTUM,
                                       iterations=PC_ITERATIONS, step=PC_STEP, backtracking=work.careful, seed=SEED)
            return lambda: [*history.loss, *history.energy, *digest(net.M[::-1])]

        return train

    return fresh


def memory():
    """Return what recalls anew."""
    from neurosim import attractors

    matrix, states, wanted = memories(work)
    order = attractors.ASYNCHRONOUS if "_asynchronous" in work.name else attractors.SYNCHRONOUS
    net = attractors.Hopfield(matrix)

    def recall():
        found = net.recall(states, order, seed=SEED)
        return lambda: [float((found.states == wanted).mean()), float(found.energy[-1].mean())]

    return lambda: recall


def machine():
    """Return what learns anew."""
    from neurosim.attractors import RBM

    v = pixels(work, precision)

    def fresh():
        rbm = RBM(work.sizes[1], learning_rate=RBM_RATE, batch_size=work.batch, n_iter=work.steps, random_state=SEED,
                  persistent=given.mode != "cd-1")

        def fit():
            rbm.fit(v)
            return lambda: [likelihood(v, rbm.components_.T, rbm.intercept_visible_, rbm.intercept_hidden_)]

        return fit

    return fresh


kinds = {"mlp": perceptron, "pc": predictive_coding, "hopfield": memory, "rbm": machine}
import_s = watch()
fresh = kinds[work.model]()
build_s, base_mb = watch(), resident_mb()
fresh()()
compile_s = watch()
run = measured(fresh, lambda: products_s(work, lambda a: a, precision))
serve("neurosim", ns.__version__, given, run, build_s, compile_s, import_s, base_mb=base_mb)
