"""Training and recall that are given to neurosim, PyTorch, scikit-learn and NumPy, and what must come out of them.

    mlp_*        a multilayer perceptron (relu, cross-entropy, Adam), minibatches: some epochs
    pc_*         predictive coding (tanh, inference by Euler steps, momentum), the same equations in PyTorch: an epoch;
                 `careful`: steps that raise the energy of a sample are taken back
    hopfield_*   recall of corrupted patterns far below capacity: all come back without an error, in whatever order
    rbm_*        a restricted Boltzmann machine learns by persistent contrastive divergence with one Gibbs step

Data, first weights and the order of samples are the same for all, so that losses and weights must be equal but for rounding;
Boltzmann machines draw other random numbers and are compared by their pseudo-likelihood.  Nothing here imports a peer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from work import Work

SEED, RATE = 3, 1e-3
#: predictive coding: learning rate, momentum, iterations of inference, their step
PC_RATE, PC_MOMENTUM, PC_ITERATIONS, PC_STEP = 0.02, 0.9, 20, 0.1
#: Boltzmann machines: learning rate
RBM_RATE = 0.05
#: Hopfield networks: share of values that are turned over in the states to begin with
CORRUPTED = 0.2
BOTH = ("float64", "float32")


@dataclass(frozen=True)
class Learning(Work):
    """Something to be learnt or recalled: `n` samples (states), `duration` epochs.

    Attributes:
        sizes: layers from the data to the answer; units of a Hopfield network; visible and hidden units.
        batch: samples of a step.
        careful: predictive coding with backtracking.
        patterns: stored in a Hopfield network.
        precisions: those in which all peers can do it.
        near: relative difference of outcomes by precision that rounding (or chance) explains.
    """

    sizes: tuple[int, ...] = ()
    batch: int = 1
    careful: bool = False
    patterns: int = 0
    precisions: tuple[str, ...] = BOTH
    near: tuple[float, float] = (0.0, 0.0)

    @property
    def updates(self) -> int:
        """Number of minibatches in all epochs."""
        return -(-self.n // self.batch) * self.steps

    def same(self, outcome: list[float], other: list[float], precision: str) -> bool:
        """Return whether two outcomes are one but for rounding or chance."""
        near = self.near[BOTH.index(precision)]
        return len(outcome) == len(other) and all(abs(a - b) <= near * max(abs(a), abs(b)) for a, b in zip(outcome, other))


def _work(name: str, model: str, n: int, epochs: int, sizes: tuple[int, ...], near: tuple[float, float],
          **more: Any) -> Learning:
    return Learning(name, model, n, 1.0, float(epochs), 0.0, 0.0, None, 0.0, sizes=sizes, near=near, **more)


def mlp(sizes: tuple[int, ...], batch: int, n: int, epochs: int, prefix: str = "mlp") -> Learning:
    """Return the training of a perceptron.

    Rounding grows in training: over these steps to some 1e-10 and 1e-3 of the loss at most.
    """
    return _work(f"{prefix}_{'-'.join(map(str, sizes))}_{batch}", "mlp", n, epochs, sizes, (1e-8, 5e-3), batch=batch)


def _pc(sizes: tuple[int, ...], batch: int, n: int, epochs: int, careful: bool) -> Learning:
    name = f"pc_{'-'.join(map(str, sizes))}_{batch}{'_careful' if careful else ''}"
    return _work(name, "pc", n, epochs, sizes, (1e-9, 1e-3), batch=batch, careful=careful)


def _hopfield(order: str, units: int) -> Learning:
    # a fiftieth of the units: no pattern has an unstable unit
    return _work(f"hopfield_{order}_{units}", "hopfield", 200, 1, (units,), (1e-12, 0.0), batch=200, patterns=units // 50,
                 precisions=("float64",))


def _rbm(sizes: tuple[int, int], batch: int, n: int, epochs: int) -> Learning:
    # between seeds the pseudo-likelihood differs by one or two per cent
    return _work(f"rbm_{'-'.join(map(str, sizes))}_{batch}", "rbm", n, epochs, sizes, (0.06, 0.06), batch=batch)


LEARNT = {
    w.name: w for w in (
        *(mlp((64, 128, 10), b, 4096, 8) for b in (64, 256)), *(mlp((64, 512, 512, 10), b, 4096, 1) for b in (64, 256)),
        *(mlp((784, 512, 512, 10), b, 4096, 1) for b in (64, 256)),
        _pc((64, 128, 10), 64, 2048, 1, False), _pc((64, 128, 10), 64, 2048, 1, True),
        _pc((64, 256, 256, 10), 256, 2048, 1, False), _pc((784, 512, 512, 10), 256, 1024, 1, False),
        *(_hopfield(order, units) for order in ("asynchronous", "synchronous") for units in (500, 2000)),
        _rbm((64, 256), 10, 2000, 2), _rbm((784, 500), 100, 2000, 2),
    )
}
#: one thing is varied at a time: width, depth, batch
VARIED = {
    "width": [mlp((64, w, w, 10), 64, 2048, 1, "width") for w in (16, 32, 64, 128, 256, 512, 1024)],
    "depth": [mlp((64, *(128,) * d, 10), 64, 2048, 1, "depth") for d in (1, 2, 4, 8, 16)],
    "batch": [mlp((64, 256, 256, 10), b, 4096, 1, "batch") for b in (8, 16, 32, 64, 128, 256, 512, 1024)],
}
SCALED = {w.name: w for works in VARIED.values() for w in works}


def quick(work: Learning) -> Learning:
    """Return fewer epochs, samples or states."""
    return replace(work, duration=1.0, n=max(work.n // 4, min(work.n, 2 * work.batch)))


# -- the same for all ---------------------------------------------------------------------------------------------

def samples(work: Learning, dtype: str):
    """Return data (n, n_in) from 0 to 1, and classes (n,): noise around ten pictures, classes hard to tell apart."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    classes = rng.integers(0, 10, work.n)
    pictures = rng.random((10, work.sizes[0]))
    x = 0.25 * pictures[classes] + 0.75 * rng.random((work.n, work.sizes[0]))
    return x.astype(dtype), classes


def pixels(work: Learning, dtype: str):
    """Return data of 0 and 1, (n, n_visible): ten pictures of which a tenth of the pixels is turned over."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    pictures = rng.random((10, work.sizes[0])) < 0.3
    return (pictures[rng.integers(0, 10, work.n)] ^ (rng.random((work.n, work.sizes[0])) < 0.1)).astype(dtype)


def weights(work: Learning, dtype: str) -> list:
    """Return first weights, one (n_in, n_out) for each layer from the data on; biases are 0."""
    import numpy as np

    rng = np.random.default_rng(SEED + 1)
    return [rng.normal(0, (2 / (a + b)) ** 0.5, (a, b)).astype(dtype) for a, b in zip(work.sizes, work.sizes[1:])]


def orders(work: Learning) -> list:
    """Return the order of samples in each epoch, as neurosim draws it."""
    import numpy as np

    if work.model == "mlp":
        return [np.random.default_rng([SEED, epoch]).permutation(work.n) for epoch in range(work.steps)]
    rng = np.random.default_rng(SEED)
    return [rng.permutation(work.n) for _ in range(work.steps)]


def memories(work: Learning):
    """Return Hebbian weights (N, N), the states to begin with (n, N), and the patterns that they should end in."""
    import numpy as np

    rng, units = np.random.default_rng(SEED), work.sizes[0]
    patterns = np.where(rng.random((work.patterns, units)) < 0.5, -1.0, 1.0)
    matrix = patterns.T @ patterns / units
    np.fill_diagonal(matrix, 0.0)
    wanted = patterns[rng.integers(0, work.patterns, work.n)]
    return matrix, np.where(rng.random(wanted.shape) < CORRUPTED, -wanted, wanted), wanted


# -- what comes out -----------------------------------------------------------------------------------------------

def digest(arrays) -> list[float]:
    """Return the length of some arrays (n_in, n_out), and their product with a fixed one of random signs."""
    import numpy as np

    rng, total, product = np.random.default_rng(SEED + 2), 0.0, 0.0
    for a in arrays:
        a = np.asarray(a, float)
        total += float((a * a).sum())
        product += float((a * (2 * rng.integers(0, 2, a.shape) - 1)).sum())
    return [total ** 0.5, total ** 0.5 + product]


def likelihood(v, w, b, c) -> float:
    """Return the mean over samples v and visible units i of ln P(v_i | all other v), for weights w (n_visible, n_hidden)."""
    import numpy as np

    v, w = np.asarray(v[:100], float), np.asarray(w, float)
    inputs = v @ w + c
    inside = np.logaddexp(0, inputs).sum(axis=1)
    total = 0.0
    for i in range(v.shape[1]):
        turn = 1 - 2 * v[:, i]
        gap = inside - np.logaddexp(0, inputs + turn[:, None] * w[i]).sum(axis=1) - turn * b[i]
        total -= float(np.logaddexp(0, -gap).mean())
    return total / v.shape[1]


# -- how it is measured -------------------------------------------------------------------------------------------

def measured(fresh: Callable[[], Callable[[], Callable[[], list[float]]]],
             products: Callable[[], float | None] = lambda: None) -> Callable[[], dict[str, Any]]:
    """Return what does the work once from the beginning and tells how long it took.

    fresh: puts everything back to the beginning and returns the work, which returns what tells the outcome; only the work
    is timed, and memory read before anything else is done.  products: tells the time of the products of matrices alone.
    """
    from serve import rss_mb

    limit: list[float | None] = []

    def run() -> dict[str, Any]:
        work = fresh()
        wall, cpu = time.perf_counter(), time.process_time()
        outcome = work()
        took = {"loop_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        peak = rss_mb()
        if not limit:
            limit.append(products())
        return {**took, "outcome": outcome(), "products_s": limit[0], "spikes": None, "rss_mb": peak, "keep_rss": True}

    return run


def products_s(work: Learning, array: Callable[[Any], Any], dtype: str) -> float | None:
    """Return how long the products of matrices take alone, none of which can be left out: the limit of this machine's BLAS.

    array: makes an array of the peer of one of NumPy.
    """
    import numpy as np

    if work.model not in ("mlp", "pc"):
        return None
    rng, sizes = np.random.default_rng(0), work.sizes
    w = [array(rng.random((a, b)).astype(dtype)) for a, b in zip(sizes, sizes[1:])]
    h = [array(rng.random((work.batch, n)).astype(dtype)) for n in sizes]

    def update() -> None:
        for k in range(len(w)):
            h[k] @ w[k]
            h[k].T @ h[k + 1]
            if k and work.model == "mlp":
                h[k + 1] @ w[k].T
        for _ in range(PC_ITERATIONS if work.model == "pc" else 0):
            for k in range(1, len(w)):
                h[k] @ w[k]
                h[k + 1] @ w[k].T

    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(4):
            update()
        best = min(best, (time.process_time() - began) / 4)
    return best * work.updates
