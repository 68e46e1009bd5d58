"""What the weights learn from some samples with both ends clamped, by local rules.

    dM^i = sigma(x^(i+1))^T e^i,   dW^i = (e^i)^T sigma(x^(i+1)),   dbeta^i = e^i      (means over the samples)

The schedules differ in when x and e are read:

    rest               after `iterations` steps of inference.  dM = -dF/dM there.  At rest errors obey backprop's recursion,
                       e^i = sigma'(x^i) o (e^(i-1) W^(i-1)), at states that inference has moved; nu^0 dM tends to backprop's as
                       e^0 goes to 0 because nu^0 is large, with a relative difference of 1/nu^0 (Whittington & Bogacz 2017).
                       For targets that come near the prediction with nu^0 as it is, the relative difference stays: in a
                       linear network of one hidden layer e^0 = (t - mu) (nu^0 + nu^1 M^T M)^-1, not (t - mu)/nu^0.
    fixed-prediction   predictions, and what sigma' is taken of, stay those of the first pass; L steps, each of length nu:
                       equal to backprop (Millidge et al. 2020, Rosenbaum 2022).  With other lengths and numbers of steps the
                       difference falls like |1 - step|^iterations.
    z-il               states begin as predicted; layer i learns after i steps, each of length nu: equal to backprop, since
                       then nothing but the error has come there (Song et al. 2020).

All three descend on F or on the error of the first pass; "backprop" means the gradient of F^0 with hidden layers as predicted.

Sources: Whittington & Bogacz 2017, doi:10.1162/NECO_a_00949; Millidge, Tschantz & Buckley 2020, arXiv:2006.04182;
Rosenbaum 2022, doi:10.1371/journal.pone.0266102; Song, Lukasiewicz, Xu & Bogacz 2020, NeurIPS 33.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.blas import one_thread
from neurosim.errors import ParameterError, listing, nearest
from neurosim.predictive.clamps import Clamps, clamps
from neurosim.predictive.network import PredictiveNetwork
from neurosim.predictive.settling import Space, check_steps

REST, FIXED_PREDICTION, Z_IL = "rest", "fixed-prediction", "z-il"
SCHEDULES = (REST, FIXED_PREDICTION, Z_IL)


@dataclass(frozen=True, eq=False)
class Changes:
    """What weights learn, per unit of learning rate: add it, times a rate.

    Attributes:
        M, beta: lists of arrays as in `PredictiveNetwork`; W: the same, or None with transposed feedback.
        loss: mean F before inference, with hidden layers as predicted: F^0.
        energy: mean F when learning took place.
    """

    M: list[np.ndarray]
    beta: list[np.ndarray]
    W: list[np.ndarray] | None
    loss: float
    energy: float

    @property
    def arrays(self) -> list[np.ndarray]:
        """All of them in the order of `PredictiveNetwork.parameters`."""
        return [a for pair in zip(self.M, self.beta) for a in pair] + (self.W or [])


def changes(net: PredictiveNetwork, data: Any, label: Any, schedule: str = REST, *, iterations: int | None = None,
            step: float | None = None, backtracking: bool | None = None) -> Changes:
    """Return what a network learns from some samples.

    Args:
        net: the network; it is not changed.
        data: (rows, n_data); label: (rows, n_label) or class numbers (rows,).
        schedule: see above.
        iterations: steps of inference; None: 20 at rest, L for the others (with fixed predictions L are enough).
        step: length of the first step at rest (None: 0.1); for fixed predictions in units of nu (None: 1, which is exact).
        backtracking: at rest, as in `settle`.

    Returns:
        The means over the samples.

    Raises:
        ParameterError: for unknown schedules, no samples, shapes that do not fit.
    """
    if schedule not in SCHEDULES:
        raise ParameterError(f"changes: there is no schedule {schedule!r}.{nearest(str(schedule), SCHEDULES)} "
                             f"Known: {listing(SCHEDULES)}.")
    if data is None or label is None:
        raise ParameterError("changes: learning needs both ends: give data and label.")
    held = clamps(net, data, label)
    if not held.rows:
        raise ParameterError("changes: there are no samples.")
    if schedule == Z_IL and not (iterations in (None, net.top) and step in (None, 1)):
        raise ParameterError("changes: z-il takes exactly one step of length 1 for each layer; leave out iterations and step.")
    iterations = (20 if schedule == REST else net.top) if iterations is None else iterations
    step = (0.1 if schedule == REST else 1.0) if step is None else step
    check_steps(iterations, step, "changes")
    with one_thread(net.largest*held.rows):
        if schedule == REST:
            return _rest(net, held, iterations, step, net.feedback == "transposed" if backtracking is None else backtracking)
        return (_fixed if schedule == FIXED_PREDICTION else _zero_divergence)(net, held, iterations, step)


def learnt(net: PredictiveNetwork, y: list[np.ndarray], e: list[np.ndarray], loss: float, energy: float) -> Changes:
    """Return the changes for y^i = sigma(x^i) and errors of all layers."""
    rows = len(e[0])
    dM = [y[i + 1].T @ (e[i]/rows) for i in range(net.top)]
    # the rule of W has the same factors
    dW = [m.T.copy() for m in dM] if net.feedback == "learned" else None
    return Changes(dM, [e[i].mean(axis=0) for i in range(net.top)], dW, loss, energy)


def first_pass(net: PredictiveNetwork, held: Clamps) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
    """Return x = mu of all layers (x^0 the prediction of the output), y = sigma(x), e^0 and F^0 of each sample."""
    space = Space.take(net, held.rows)
    space.begin(held, 1.0, None)
    # x^0 is not needed
    x, y = [None] + [a.copy() for a in space.x[1:]], [None] + [a.copy() for a in space.y[1:]]
    e, f = space.e[0].copy(), space.energy.copy()
    space.give_back()
    return x, y, e, f


def slopes(net: PredictiveNetwork, x: list[np.ndarray], y: list[np.ndarray], i: int) -> np.ndarray | float:
    """Return sigma'(x^i)."""
    return net.activations[i].slope(x[i], y[i])


def _rest(net: PredictiveNetwork, held: Clamps, iterations: int, step: float, careful: bool) -> Changes:
    space = Space.take(net, held.rows)
    space.begin(held, step, None)
    loss = float(space.energy.mean())
    for _ in range(iterations):
        space.advance(careful)
    found = learnt(net, space.y, space.e, loss, float(space.energy.mean()))
    space.give_back()
    return found


def _fixed(net: PredictiveNetwork, held: Clamps, iterations: int, step: float) -> Changes:
    x, y, output, f = first_pass(net, held)
    weights = net.W
    slope = [None] + [slopes(net, x, y, i) for i in range(1, net.top)]
    e = [output] + [np.zeros_like(x[i]) for i in range(1, net.top)]
    for _ in range(iterations):
        # dx = step nu (sigma' o (e W) - e) with mu fixed: de = dx/nu
        push = [None] + [slope[i]*(e[i - 1] @ weights[i - 1]) for i in range(1, net.top)]
        for i in range(1, net.top):
            e[i] += step*(push[i] - e[i])
    energy = f + sum(0.5*np.einsum("ij,ij,j->i", a, a, nu) for a, nu in zip(e[1:], net.nu[1:]))
    return learnt(net, y, e, float(f.mean()), float(energy.mean()))


def _zero_divergence(net: PredictiveNetwork, held: Clamps, iterations: int, step: float) -> Changes:
    x, y, e, loss = _begin_zero_divergence(net, held)
    weights, seen_y, seen_e = net.W, [None]*(net.top + 1), [None]*net.top
    energy = 0.0
    for t in range(net.top):
        seen_y[t + 1], seen_e[t] = y[t + 1], e[t]
        energy += float(0.5*np.einsum("ij,ij,j->i", e[t], e[t], net.nu[t]).mean()) if t else loss
        if t + 1 < net.top:
            moved = [net.nu[i]*(slopes(net, x, y, i)*(e[i - 1] @ weights[i - 1]) - e[i]) for i in range(1, net.top)]
            x = [None] + [a + d for a, d in zip(x[1:], moved)] + [x[net.top]]
            y = [None] + [net.activations[i].value(x[i]) for i in range(1, net.top)] + [y[net.top]]
            e = _errors(net, held, x, y)
    return learnt(net, seen_y, seen_e, loss, energy)


def _begin_zero_divergence(net: PredictiveNetwork, held: Clamps):
    x, y, output, f = first_pass(net, held)
    return x, y, [output] + [np.zeros_like(x[i]) for i in range(1, net.top)], float(f.mean())


def _errors(net: PredictiveNetwork, held: Clamps, x: list[np.ndarray], y: list[np.ndarray]) -> list[np.ndarray]:
    """Return the errors of layers 0 ... L-1."""
    e = [(held.bottom.values - net.mean_of(net.predict(0, y[1])))/net.nu[0]]
    return e + [(x[i] - net.predict(i, y[i + 1]))/net.nu[i] for i in range(1, net.top)]
