"""Inference: the states of many samples move until nothing is left unexplained that can be explained.

    x^i <- x^i + step (sigma'(x^i) o (e^(i-1) W^(i-1)) - e^i),   i = 1 ... L, at once in all layers and samples

the explicit Euler steps of dx/dt = -dF/dx.  With backtracking each sample has a step of its own: a step that would raise its F
is not made, and half of it is tried next; after one that was made, the next is a tenth longer.  So F never rises, for
any first step.

Known values of the two ends stand still.  Unknown values of layer 0 are what is predicted (e = 0): they follow the other layers
at once, which is where dx^0/dt = -e^0 would take them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.blas import one_thread
from neurosim.errors import NumericalWarning, ParameterError
from neurosim.predictive import compiled
from neurosim.predictive.clamps import Clamps, clamps
from neurosim.predictive.network import PredictiveNetwork

#: factors of the step after one that was made, and after one that was not
LONGER, SHORTER = 1.1, 0.5
#: the longest step, so that nothing overflows where F is flat
LONGEST = 1e6
#: steps between two looks at the tolerance
LOOK = 10


@dataclass(frozen=True, eq=False)
class State:
    """Activity of a network for some samples.

    Attributes:
        x: values of layer 0 ... L, each (rows, layers[i]).
        e: errors of layer 0 ... L-1, and of L if there is a prior.
        energy: F of each sample, (rows,).
        energies: F at the start and after every iteration, (iterations + 1, rows), or None.
        iterations: how many were made.
        residual: greatest |dx/dt| that is left.
        data, label: the layers of the two ends.
    """

    x: list[np.ndarray]
    e: list[np.ndarray]
    energy: np.ndarray
    energies: np.ndarray | None
    iterations: int
    residual: float
    data: np.ndarray
    label: np.ndarray


def settle(net: PredictiveNetwork, data: Any = None, label: Any = None, *, data_known: Any = None, label_known: Any = None,
           iterations: int = 200, step: float = 0.1, backtracking: bool | None = None, tolerance: float = 0.0,
           start: State | None = None, record: bool = False) -> State:
    """Let a network settle with what is known held in place.

    Both ends known: the state of training.  The label alone: generating; the data alone: inferring; a part of the data:
    filling in.

    Args:
        net: the network.
        data: (rows, n_data), or None: not known.
        label: (rows, n_label), or class numbers (rows,), or None.
        data_known, label_known: bool, (n,) or (rows, n): which values are known; None: all that are given.
        iterations: steps, at most.
        step: length of the first step, in time constants of the states; of all steps without backtracking.
        backtracking: see above; None: where F is sure to fall, which is with feedback "transposed".
        tolerance: stop when |dx/dt| is nowhere greater (looked at every 10 steps); 0: make all steps.
        start: continue from this state; None: x^L = the prior's mean where it is not known, and all others as predicted.
        record: keep F of every step.

    Returns:
        The state reached.

    Raises:
        ParameterError: for shapes that do not fit and values out of range.

    Warns:
        NumericalWarning: if the states grow without bound, which needs a shorter step.
    """
    held = clamps(net, data, label, data_known, label_known)
    check_steps(iterations, step, "settle")
    if not (np.isscalar(tolerance) and tolerance >= 0):
        raise ParameterError(f"settle: tolerance must be 0 or a positive number, not {tolerance!r}.")
    if start is not None and [a.shape for a in start.x] != [(held.rows, n) for n in net.layers]:
        raise ParameterError("settle: start is a state of another network, or of another number of samples.")
    careful = net.feedback == "transposed" if backtracking is None else bool(backtracking)
    with one_thread(net.largest*held.rows), np.errstate(over="ignore", invalid="ignore"):
        space = Space.take(net, held.rows)
        space.begin(held, step, None if start is None else start.x)
        energies = [space.energy.copy()] if record else None
        made = 0
        for made in range(1, iterations + 1):
            space.advance(careful)
            if record:
                energies.append(space.energy.copy())
            if tolerance > 0 and made % LOOK == 0 and space.residual() <= tolerance:
                break
        state = space.state(None if energies is None else np.array(energies), made)
        space.give_back()
    if held.rows and not np.isfinite(state.energy).all():
        warnings.warn(f"settle: the states grew without bound within {made} iterations. Take a step shorter than {step:g}, or "
                      "backtracking=True.", NumericalWarning, stacklevel=2)
    return state


def check_steps(iterations: Any, step: Any, what: str) -> None:
    """Raise `ParameterError` for impossible numbers of iterations or lengths of steps."""
    if not isinstance(iterations, (int, np.integer)) or iterations < 0:
        raise ParameterError(f"{what}: iterations must be an integer of at least 0, not {iterations!r}.")
    if not (np.isscalar(step) and np.isfinite(step) and step > 0):
        raise ParameterError(f"{what}: step must be a positive number, not {step!r}.")


class Space:
    """Arrays of one inference, and the compiled loops bound to them.

    There are two sets of x, y = sigma(x), e and F; a step goes from one to the other.

    Attributes:
        x, y, e: lists of the present set, by layer; y[0] is not used, e[L] is there with a prior only.
        energy: (rows,).
    """

    def __init__(self, net: PredictiveNetwork, rows: int):
        self.net, self.rows = net, rows
        top, kind, single = net.top, net.dtype, net.dtype == np.float32
        make = lambda: [np.zeros((rows, n), kind) for n in net.layers]
        bound = lambda loop, *arguments: compiled.direct(loop.bind(*(
            a.reshape(-1) if isinstance(a, np.ndarray) else a for a in arguments)))
        self.sets = [(make(), make(), make(), np.zeros(rows, kind)) for _ in range(2)]
        self.bias = [np.zeros(n, kind) for n in net.layers]
        self.full = [np.zeros((rows, n) if i == 0 else n, kind) for i, n in enumerate(net.layers)]
        self.step, self.rule = np.zeros(rows, kind), np.array([LONGER, SHORTER, LONGEST, 0.0], kind)
        self.moves, self.errors, self.verdicts, self.returns = [], [], [], []
        for (x, y, e, f), (x_new, y_new, e_new, f_new) in (self.sets, self.sets[::-1]):
            self.moves.append([None] + [
                bound(compiled.propose(net.activations[i].name, single), net.layers[i], x[i], y[i], e[i], self.step, x_new[i],
                      y_new[i]) for i in range(1, top + 1)])
            self.errors.append([
                bound(compiled.deviate(single), n, n if i == 0 else 0, x_new[i], self.bias[i], self.full[i], e_new[i], f_new)
                for i, n in enumerate(net.layers)])
            self.returns.append([
                bound(compiled.restore(single), n, f_new, *(a[i] for a in (x, y, e, x_new, y_new, e_new)))
                for i, n in enumerate(net.layers)])
            self.verdicts.append(bound(compiled.judge(single), f, f_new, self.step, self.rule))
        self.now = 0

    @staticmethod
    def take(net: PredictiveNetwork, rows: int) -> Space:
        """Return a space that nobody uses."""
        return net._spaces.pop(rows, None) or Space(net, rows)

    def give_back(self) -> None:
        """Let the next inference use it; two are kept, for whole and for last batches."""
        spaces = self.net._spaces
        spaces[self.rows] = self
        while len(spaces) > 2:
            spaces.pop(next(iter(spaces)), None)

    @property
    def x(self) -> list[np.ndarray]:
        """Values of the present set."""
        return self.sets[self.now][0]

    @property
    def y(self) -> list[np.ndarray]:
        """sigma(x) of the present set."""
        return self.sets[self.now][1]

    @property
    def e(self) -> list[np.ndarray]:
        """Errors of the present set."""
        return self.sets[self.now][2]

    @property
    def energy(self) -> np.ndarray:
        """F of each sample."""
        return self.sets[self.now][3]

    def begin(self, held: Clamps, step: float, start: list[np.ndarray] | None) -> None:
        """Take over what is known, and make the first state."""
        net, top = self.net, self.net.top
        for i in range(top):
            self.bias[i][:] = net.beta[i]
            self.full[i][...] = 1/net.nu[i]
        self.bias[top][:] = net.prior_mean
        # where all of layer L is known, a prior would only add a constant
        self.full[top][:] = 0 if net.prior is None or not held.top.free else 1/net.prior
        # what is not known of layer 0 has no error
        self.unknown = None if held.bottom.known is None else ~held.bottom.known
        if self.unknown is not None:
            self.full[0][self.unknown] = 0
        #: which values of layer L may move: None for none
        self.moving = None if not held.top.free else ~held.top.known if held.top.known.any() else True
        here, there = self.sets[self.now], self.sets[1 - self.now]
        x, y = here[:2]
        x[top][...] = held.top.values
        if held.top.free:
            np.copyto(x[top], start[top] if start is not None else net.prior_mean, where=~held.top.known)
        self.step[:] = 0
        for i in range(top, 0, -1):
            if i < top:
                x[i][...] = start[i] if start is not None else net.predict(i, there[1][i + 1])
            for a in (y[i], here[2][i], there[1][i]):
                a[:] = 0
            # a step of length 0: x as it is, and its sigma
            self.moves[self.now][i](0, self.rows)
            y[i][...] = there[1][i]
        x[0][...] = there[0][0][...] = held.bottom.values
        self.step[:] = step
        self.entropy = 0.0 if net.output == "linear" else _entropy(net.output, x[0], self.full[0])
        #: layers that move
        self.free = range(1, top + 1) if self.moving is not None else range(1, top)
        #: what layer L predicts stands still with it
        self.still = None if self.moving is not None or top == 1 else y[top] @ net.M[top - 1]
        self._errors(there)
        self.now = 1 - self.now

    def advance(self, careful: bool) -> None:
        """Make one step in all samples, or only in those whose F does not rise."""
        net, here, there = self.net, self.sets[self.now], self.sets[1 - self.now]
        weights = net.W
        for i in self.free:
            np.matmul(here[2][i - 1], weights[i - 1], out=there[1][i])
            self.moves[self.now][i](0, self.rows)
            if i == net.top and self.moving is not True:
                still = ~self.moving
                for new, old in zip(there[:2], here[:2]):
                    np.copyto(new[i], old[i], where=still)
        self._errors(there)
        if careful:
            self.rule[3] = 0
            self.verdicts[self.now](0, self.rows)
            if self.rule[3]:
                self._refuse(here, there)
        self.now = 1 - self.now

    def residual(self) -> float:
        """Return the greatest |dx/dt|."""
        net, (x, y, e, _) = self.net, self.sets[self.now]
        weights, greatest = net.W, 0.0
        for i in self.free:
            push = e[i - 1] @ weights[i - 1]
            push *= net.activations[i].slope(x[i], y[i])
            if i < net.top or net.prior is not None:
                push -= e[i]
            if i == net.top and self.moving is not True:
                push = push[self.moving]
            if push.size:
                greatest = max(greatest, float(np.abs(push).max()))
        return greatest

    def _errors(self, target: tuple) -> None:
        """Make errors and F of a set from its x and y; `target` must be the set that is not present."""
        net, top = self.net, self.net.top
        x, y, e, f = target
        f[:] = 0
        for i in range(top):
            if i == 0 and net.output != "linear":
                self._probabilities(x[0], y[1], e[0], f)
                continue
            if i == top - 1 and self.still is not None:
                e[i][...] = self.still
            else:
                np.matmul(y[i + 1], net.M[i], out=e[i])
            self.errors[self.now][i](0, self.rows)
        if net.prior is not None:
            e[top][:] = 0
            self.errors[self.now][top](0, self.rows)

    def _probabilities(self, x: np.ndarray, y: np.ndarray, e: np.ndarray, f: np.ndarray) -> None:
        """Errors and F of layer 0 where it is made of probabilities."""
        net, weight = self.net, self.full[0]
        mu = net.predict(0, y)
        if net.output == "softmax":
            mu -= mu.max(axis=1, keepdims=True) if mu.size else 0
            p = np.exp(mu)
            total = p.sum(axis=1, keepdims=True)
            p /= total
            mu -= np.log(total)
            f -= np.einsum("ij,ij,ij->i", x, mu, weight)
        else:
            p = net.mean_of(mu)
            # -x ln p - (1 - x) ln(1 - p)
            f += np.einsum("ij,ij->i", np.maximum(mu, 0) - x*mu + np.log1p(np.exp(-np.abs(mu))), weight)
        f -= self.entropy
        np.subtract(x, p, out=e)
        e *= weight

    def _refuse(self, here: tuple, there: tuple) -> None:
        """Put back the samples whose F has risen."""
        for job in self.returns[self.now]:
            job(0, self.rows)
        np.copyto(there[3], here[3], where=np.isnan(there[3]))

    def state(self, energies: np.ndarray | None, made: int) -> State:
        """Return copies of the present set."""
        net, (x, y, e, f) = self.net, self.sets[self.now]
        x = [a.copy() for a in x]
        if self.unknown is not None:
            # what was not known is what is predicted
            predicted = net.mean_of(net.predict(0, y[1]))
            np.copyto(x[0], predicted, where=self.unknown)
        e = [a.copy() for a in (e if net.prior is not None else e[:-1])]
        residual = self.residual() if self.rows else 0.0
        return State(x, e, f.copy(), energies, made, residual, x[net.data_end], x[net.label_end])


def _entropy(output: str, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the entropy of what is known of layer 0, by which the cross-entropy exceeds F^0, (rows,)."""
    inside = lambda p: p*np.log(np.where(p > 0, p, 1))
    each = inside(x) if output == "softmax" else inside(x) + inside(1 - x)
    return -(each*weight).sum(axis=1)
