"""Layered networks with symmetric weights, which settle into a minimum of an energy.

    E(s; x) = sum_l gain^(l-L) sum [ G(s^l) - s^l o (s^(l-1) W^l + b^l) ],     s^0 = x,  l = 1 ... L
    dE/ds^l = 0:    s^l = rho(s^(l-1) W^l + b^l + gain s^(l+1) (W^(l+1))^T)

Between neighbours symmetric weights act in both directions, downward weaker by the factor `gain`; with 1 this is the
continuous Hopfield network, with 0 a multilayer perceptron.  E is convex in the state of each layer, and the second line its
minimum: layers that take it in turn lower E with every step, whatever the weights, and there is no length of step to choose.

The last layer is "linear" or "softmax" (G = sum s ln s over states that add to 1).  A teacher nudges it or holds it:

    nudged     least E + beta C, C = 1/2 |s^L - t|^2, of a linear layer:   s^L = (u^L + beta t)/(1 + beta),   beta > -1
    clamped    s^L = t

Sources: Hopfield 1984 (doi:10.1073/pnas.81.10.3088); gain: Xie & Seung 2003 (doi:10.1162/089976603762552988).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError
from neurosim.learning.rules.feedforward import softmax
from neurosim.learning.rules.layers import Layers
from neurosim.learning.rules.units import UNITS


@dataclass(eq=False)
class EnergyNetwork:
    """A network as above.

    Attributes:
        layers: its weights and biases.
        unit: name of the hidden units, see `rules.units`.
        output: "linear" or "softmax".
        gain: of what goes down, at least 0.
    """

    layers: Layers
    unit: str = "tanh"
    output: str = "linear"
    gain: float = 1.0

    @property
    def top(self) -> int:
        """Number of the last layer, L."""
        return len(self.layers.weights)

    def drive(self, x: np.ndarray) -> np.ndarray:
        """Return x W^1 + b^1, which stands still while the network settles."""
        return x @ self.layers.weights[0] + self.layers.biases[0]

    def start(self, x: np.ndarray) -> list[np.ndarray]:
        """Return states of layers 0 ... L as a multilayer perceptron would have them."""
        s = [x]
        for level in range(1, self.top + 1):
            s.append(self._rest(level, s[-1] @ self.layers.weights[level - 1] + self.layers.biases[level - 1]))
        return s

    def settle(self, s: Sequence[np.ndarray], rounds: int, *, tolerance: float = 0.0, target: np.ndarray | None = None,
               beta: float | None = None, drive: np.ndarray | None = None) -> tuple[list[np.ndarray], int]:
        """Let all layers take their best states in turn, down and up again.

        Args:
            s: states of layers 0 ... L to begin with, such as those of `start`; they are not changed.
            rounds: how often, at most.
            tolerance: stop when no state changes by more in a round; 0: make all rounds.
            target: (n, n_L); None: nothing holds the last layer.
            beta: strength of the nudge towards the target; None: clamped to it.
            drive: what `drive` gives for s[0], if it is known.

        Returns:
            New states and the number of rounds made.

        Raises:
            ParameterError: a nudged softmax layer, or a beta of -1 or less.
        """
        if target is not None and beta is not None and (self.output != "linear" or beta <= -1):
            raise ParameterError("EnergyNetwork.settle: only a linear last layer can be nudged, with beta above -1. Clamp it "
                                 "(beta=None), or take output='linear'.")
        s, top = list(s), self.top
        drive = self.drive(s[0]) if drive is None else drive
        if target is not None and beta is None:
            s[top] = target
        turn = [*range(top, 0, -1), *range(2, top)]
        for made in range(rounds):
            before = list(s) if tolerance > 0 else None
            for level in turn:
                if level < top or target is None or beta is not None:
                    s[level] = self._best(level, s, drive, target, beta)
            if before is not None and max(float(np.abs(a - b).max()) for a, b in zip(s[1:], before[1:])) <= tolerance:
                return s, made + 1
        return s, rounds

    def products(self, rounds: int) -> int:
        """Return the multiply-accumulates of `start`, `drive` and that many rounds of `settle`, for one sample."""
        sizes, top = [w.size for w in self.layers.weights], self.top
        # of a visit: what comes up, but for the drive, which stands still, and what comes down
        visit = {level: (sizes[level - 1] if level > 1 else 0) + (sizes[level] if level < top else 0)
                 for level in range(1, top + 1)}
        return sum(sizes) + sizes[0] + rounds*sum(visit[level] for level in (*range(top, 0, -1), *range(2, top)))

    def energy(self, s: Sequence[np.ndarray]) -> np.ndarray:
        """Return E of each sample, (n,).

        Raises:
            ParameterError: the gain is 0; then there is no energy.
        """
        if not self.gain > 0:
            raise ParameterError("EnergyNetwork.energy: without feedback (gain 0) there is no energy.")
        total = np.zeros(len(s[0]))
        for level in range(1, self.top + 1):
            u = s[level - 1] @ self.layers.weights[level - 1] + self.layers.biases[level - 1]
            if level < self.top:
                own = UNITS[self.unit].energy(s[level])
            else:
                own = s[level]**2/2 if self.output == "linear" else s[level]*np.log(np.where(s[level] > 0, s[level], 1))
            total += self.gain**(level - self.top)*(own - s[level]*u).sum(axis=1)
        return total

    def _best(self, level: int, s: Sequence[np.ndarray], drive: np.ndarray, target: np.ndarray | None,
              beta: float | None) -> np.ndarray:
        """Return the state of a layer in which E (+ beta C) is least, given its neighbours."""
        weights = self.layers.weights
        u = drive.copy() if level == 1 else s[level - 1] @ weights[level - 1]
        if level > 1:
            u += self.layers.biases[level - 1]
        if level < self.top:
            down = s[level + 1] @ weights[level].T
            if self.gain != 1:
                down *= self.gain
            u += down
        elif target is not None and beta is not None:
            u += beta*target
            u /= 1 + beta
        return self._rest(level, u)

    def _rest(self, level: int, u: np.ndarray) -> np.ndarray:
        """Return rho(u), in the place of u."""
        if level < self.top:
            return UNITS[self.unit].settle(u)
        return softmax(u) if self.output == "softmax" else u


def contrast(net: EnergyNetwork, taught: Sequence[np.ndarray], other: Sequence[np.ndarray],
             scale: float = 1.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return changes of weights and biases that lower E of the taught states against that of the others, mean over samples.

        dW^l = scale gain^(l-L) ((s_taught^(l-1))^T s_taught^l - (s_other^(l-1))^T s_other^l)/n
        db^l likewise, with 1 for s^(l-1)

    Args:
        taught, other: states of layers 0 ... L.
        scale: factor of all.
    """
    weights, biases, n = [], [], len(taught[0])
    for level in range(1, net.top + 1):
        factor = scale*net.gain**(level - net.top)/n
        # where the lower states are the same, as those of the data, one product is enough
        if taught[level - 1] is other[level - 1]:
            d = taught[level - 1].T @ ((taught[level] - other[level])*factor)
        else:
            d = taught[level - 1].T @ taught[level]
            d -= other[level - 1].T @ other[level]
            d *= factor
        weights.append(d)
        biases.append((taught[level] - other[level]).sum(axis=0)*factor)
    return weights, biases


def gradient(net: EnergyNetwork, free: Sequence[np.ndarray], t: np.ndarray, rounds: int = 200,
             tolerance: float = 1e-12) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return minus the exact gradient of the mean loss of the settled answers, for weights and biases.

        dC/dW^l = (s^(l-1))^T a^l + gain (a^(l-1))^T s^l,     dC/db^l = sum of a^l,     a^0 = 0

    Args:
        free: settled states of layers 0 ... L without a teacher.
        t, rounds, tolerance: of a, see `derivatives`.
    """
    a, top, n = derivatives(net, free, t, rounds, tolerance), net.top, len(t)
    up = [free[k].T @ a[k] for k in range(top)]
    for k in range(1, top):
        up[k] += net.gain*(a[k - 1].T @ free[k + 1])
    return [d/-n for d in up], [d.sum(axis=0)/-n for d in a]


def input_gradient(net: EnergyNetwork, free: Sequence[np.ndarray], t: np.ndarray, rounds: int = 200,
                   tolerance: float = 1e-12) -> np.ndarray:
    """Return the exact gradient of the loss of each settled answer by its sample, dC/dx = a^1 (W^1)^T, (n, n_0).

    Args: as for `gradient`.
    """
    return (derivatives(net, free, t, rounds, tolerance)[0] @ net.layers.weights[0].T).astype(np.float64)


def derivatives(net: EnergyNetwork, free: Sequence[np.ndarray], t: np.ndarray, rounds: int,
                tolerance: float) -> list[np.ndarray]:
    """Return a^1 ... a^L, the derivatives of each sample's loss C by what layers receive from outside the network.

    C is 1/2 |s^L - t|^2 of a linear last layer, -sum t log s^L of a softmax:

        a^l = rho'(u^l) o (a^(l+1) (W^(l+1))^T + gain a^(l-1) W^l),     a^L = s^L - t + rho'(u^L) gain a^(L-1) W^L

    which is solved like the network itself, layer by layer in turn (implicit differentiation: Almeida 1987, Pineda 1987,
    doi:10.1103/PhysRevLett.59.2229).

    Args:
        free: settled states of layers 0 ... L without a teacher.
        t: targets, (n, n_L).
        rounds, tolerance: of the solution; it is given as far as it has come.
    """
    weights, top, gain = net.layers.weights, net.top, net.gain
    slopes = [None, *(UNITS[net.unit].slope(s) for s in free[1:-1])]
    last = free[-1]
    a = [None, *(np.zeros_like(s) for s in free[1:-1]), last - t]
    for _ in range(rounds):
        change = 0.0
        for level in [*range(top - 1, 0, -1), *range(2, top + 1)]:
            if level == top:
                new = last - t
                back = gain*(a[top - 1] @ weights[top - 1])
                new = new + (last*(back - (last*back).sum(axis=1, keepdims=True)) if net.output == "softmax" else back)
            else:
                new = a[level + 1] @ weights[level].T
                if level > 1:
                    new += gain*(a[level - 1] @ weights[level - 1])
                new *= slopes[level]
            change = max(change, float(np.abs(new - a[level]).max()))
            a[level] = new
        if change <= tolerance:
            break
    return a[1:]
