"""A race of neurons: the first to fire decides and silences all others, and it alone learns, by the reward that follows.

    channel j spikes once, at t_j = 1 - z_j, the earlier the brighter; not at all if z_j = 0           times in windows
    V_k(t) = sum_j w_jk (t - t_j)+                     each spike opens a constant current
    neuron k fires as soon as V_k = theta_k; the first of all is the answer, if it comes before the window ends

    traces          x_j = (t* - t_j)+                  at the moment of that spike, t*
    eligibility     c_j = x_j - w_jk                   of the neuron that fired; 0 for all others
    reward          R = 1 after a right answer, -punishment after a wrong one: one number for all
    learning        w_jk <- w_jk + eta R c_j,  0 <= w <= 1
    thresholds      theta_k <- theta_k exp(-1/memory) with every sample, + rise for the neuron that fired

Connections of channels that spiked before the neuron grow by reward, and those of channels that did not spike by then shrink;
without reward it is the other way round.  Between spikes potentials are straight lines: times of spikes are exact, there is no
step.  A race ends with the first spike, and costs one addition for each spike before it and each neuron.

Sources: decision by the first spike, reward and punishment of the winner alone: Mozafari et al. 2018,
doi:10.1109/TNNLS.2018.2826721; the additive rule: Nessler et al. 2013, doi:10.1371/journal.pcbi.1003037; thresholds: Diehl &
Cook 2015, doi:10.3389/fncom.2015.00099.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from neurosim.codegen.native import Interpreted, Native
from neurosim.codegen.store import load

_SOURCE = '''"""Race to the first spike: compiled loop."""

import math

from neurosim.kernels.jit import entry


@entry
def race(step0, n_steps, times, turns, right, shaken, classes, w, theta, v, slope, winner, moment, numbers):
    """Show samples step0 ... step0 + n_steps - 1; numbers: eta (0: nothing changes), punishment, rise and decay of thresholds.

    times: of the channels of each sample; turns: channels in the order of their times. right: class of each sample.
    shaken: factors of thresholds. v, slope: room for each neuron. winner, moment: answers, -1 and inf without a spike.
    """
    eta, punishment, rise, decay = numbers[0], numbers[1], numbers[2], numbers[3]
    n, d = theta.size, w.size // theta.size
    for m in range(step0, step0 + n_steps):
        first, when = -1, math.inf
        for k in range(n):
            v[k] = 0.0
            slope[k] = 0.0
        for place in range(m * d, m * d + d):
            j = turns[place]
            now, end = times[m * d + j], 1.0
            if now >= 1.0:
                break
            if place + 1 < m * d + d:
                end = min(end, times[m * d + turns[place + 1]])
            for k in range(n):
                slope[k] += w[j * n + k]
            if end <= now:
                continue
            for k in range(n):
                reached, needed = v[k] + slope[k] * (end - now), theta[k] * shaken[m * n + k]
                if reached >= needed:
                    # shaken thresholds may be lower than rest
                    fires = now if v[k] >= needed else now + (needed - v[k]) / slope[k]
                    if fires < when:
                        first, when = k, fires
                v[k] = reached
            if first >= 0:
                break
        winner[m] = first
        moment[m] = when
        if eta > 0.0:
            for k in range(n):
                theta[k] *= decay
            if first >= 0:
                reward = 1.0 if classes[first] == right[m] else -punishment
                for j in range(d):
                    old = w[j * n + first]
                    trace = max(0.0, when - times[m * d + j])
                    w[j * n + first] = min(1.0, max(0.0, old + eta * reward * (trace - old)))
                theta[first] += rise
'''

#: numbers in the tables of one run
TABLE = 4_000_000


@cache
def _loop() -> Native | Interpreted:
    return load(_SOURCE, False, "race", "DQQDQDDDDQDD")


def latencies(z: np.ndarray) -> np.ndarray:
    """Return when channels of brightness z (0 to 1) spike, in windows; inf: never."""
    return np.where(z > 0, 1 - z, np.inf)


@dataclass(frozen=True, eq=False)
class Race:
    """Neurons that race.

    Attributes:
        weights: w, shape (channels, neurons). thresholds: theta > 0, (neurons,). Both are changed in place by learning.
        classes: what each neuron stands for, (neurons,).
    """

    weights: np.ndarray
    thresholds: np.ndarray
    classes: np.ndarray

    def show(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Show samples of brightness z, (m, channels); nothing changes.

        Returns:
            (The neuron that fires first or -1, (m,); when it does, in windows, or inf, (m,)).
        """
        return self._run(z, np.zeros(len(z), np.int64), None, 0.0, (0.0, 0.0, 0.0, 1.0))

    def learn(self, z: np.ndarray, right: np.ndarray, rng: np.random.Generator, *, eta: float, punishment: float, rise: float,
              memory: float, exploration: float = 0.0) -> np.ndarray:
        """Show samples one after the other, and learn from the reward after each.

        Args:
            z: brightness of channels, shape (m, channels). right: class of each sample, (m,).
            rng: of exploration, for which thresholds are multiplied by 1 + exploration times a normal number while they race.
            eta: speed of learning, above 0. punishment: size of the reward after a wrong answer.
            rise: of a threshold with its spike. memory: samples in which thresholds fall to 1/e.

        Returns:
            The neuron that fired first, or -1, (m,).
        """
        return self._run(z, right, rng, exploration, (eta, punishment, rise, np.exp(-1/memory)))[0]

    def _run(self, z: np.ndarray, right: np.ndarray, rng: np.random.Generator | None, exploration: float,
             numbers: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
        n = len(self.thresholds)
        winner, moment = np.empty(len(z), np.int64), np.empty(len(z))
        rows = max(1, TABLE//(n + z.shape[1]))
        for low in range(0, len(z), rows):
            part = slice(low, min(low + rows, len(z)))
            times = latencies(z[part])
            shaken = np.ones((len(times), n))
            if exploration:
                shaken += exploration*rng.standard_normal(shaken.shape)
            job = _loop().bind(times.ravel(), times.argsort(axis=1, kind="stable").ravel(), right[part].astype(np.int64),
                               shaken.ravel(), self.classes, self.weights.reshape(-1), self.thresholds, np.empty(n),
                               np.empty(n), winner[part], moment[part], np.array(numbers))
            job(0, len(times))
        return winner, moment
