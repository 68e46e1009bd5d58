"""Predictive coding with a pair of spiking neurons for each value and each error, many samples at once.

A pair of LIF neurons, "on" and "off", tells a signed number by spikes.  Their synapses have the time constant tau of their
membranes, so that what a spike leaves behind in others and what it takes from its own membrane decay alike:

    trace      tau d_t y = -y + tau theta s                          of a spike train s
    membrane   tau d_t V = -V + u + tau d_t u - tau theta s:         V = u - y, what has not been told yet
    spikes     at V > theta/2:                                       |u - y| <= theta/2 if u > 0 falls no faster than y

    values     tau_x d_t x^i = sigma'(x^i) o b^i - e^i,    V_on = x^i - y^i,   V_off = -x^i - q^i,   z^i = y^i - q^i
    errors     u^i = z^i - (y^(i+1) M^i + beta^i),         V_on = u^i - e^i = -V_off
    feedback   b^i = e^(i-1) W^(i-1)
    clamped    x^0 = answer;   the data are currents x^L M^(L-1) into layer L-1
    learning   dM^i = ybar^(i+1)^T ebar^i                  means over the second half of a presentation
    answering  x^i = y^(i+1) M^i + beta^i,   e^i = 0       where the rate form rests if the data alone are clamped

The two neurons of a value know nothing of each other, and sigma is what the "on" neuron makes of x: relu.  Those of an error
inhibit each other, so that e = y_on - y_off follows u with no bend at 0.  One neuron with a rate that stands for 0 would spike
on and on where there is no error.  Since u and b are sums of traces with one tau, each spike that arrives is one jump of a
membrane: a network of LIF neurons with delta synapses.

A neuron spikes once in a step at most, which tells theta/(1 - alpha), alpha = e^(-1/tau): the greatest number, `ceiling`.  So
theta = ceiling (1 - alpha) -> ceiling/tau, and what the network comes to differs from the rest of the rate form by O(1/tau).

Sources: Whittington & Bogacz 2017, doi:10.1162/NECO_a_00949 (value and error nodes); Boerlin, Machens & Denève 2013,
doi:10.1371/journal.pcbi.1003258 (membranes that hold what spikes have not told).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from neurosim.codegen.native import Interpreted, Native
from neurosim.codegen.store import load
from neurosim.predictive.network import PredictiveNetwork

_TEXT = '''"""spiking predictive coding, {kind}: compiled loop."""

import numpy as np

from neurosim.kernels.jit import entry, kernel  # noqa: F401

ZERO, HALF, ONE = np.{kind}(0.0), np.{kind}(0.5), np.{kind}(1.0)


@kernel
def spike(left, theta):
    """Return 1 if so much has not been told that a neuron spikes, else 0."""
    return ONE if left > HALF * theta else ZERO


@entry
def present(step0, n_steps, steps, since, held, layers, pace, alpha, theta, data, target, m, w, beta, fixed, x, y, q, z, e,
            mu, b, sign, fired, value, active, error, spikes):
    """Show samples step0 ... step0 + n_steps - 1 to the network, each from rest; means from step `since` on."""
    top = layers.size - 1
    nodes, given = x.size, layers[top]
    last = nodes - layers[top - 1]
    direct = m.size - given * layers[top - 1]
    share = ONE / np.{kind}(steps - since)
    for row in range(step0, step0 + n_steps):
        for j in range(nodes):
            x[j] = y[j] = q[j] = z[j] = e[j] = mu[j] = b[j] = ZERO
            fixed[j] = beta[j]
        # sample by sample, so that its rounding does not depend on others
        for k in range(given):
            current = data[row * given + k]
            if current != ZERO:
                line, into = m[direct + k * (nodes - last) : direct + (k + 1) * (nodes - last)], fixed[last:]
                for j in range(nodes - last):
                    into[j] += current * line[j]
        at = row * nodes
        seen, on, wrong = value[at : at + nodes], active[at : at + nodes], error[at : at + nodes]
        counts = spikes[row * 3 * top : (row + 1) * 3 * top]
        for t in range(steps):
            # values move and are told
            first = block = 0
            for i in range(top):
                n = layers[i]
                if i == 0 and held:
                    for j in range(n):
                        x[j] = target[row * n + j]
                elif not held:
                    for j in range(first, first + n):
                        x[j] = mu[j] + fixed[j]
                else:
                    for j in range(first, first + n):
                        x[j] += pace * ((b[j] if z[j] > ZERO else ZERO) - e[j])
                        b[j] *= alpha
                for j in range(first, first + n):
                    mu[j] *= alpha
                    up, down = spike(x[j] - alpha * y[j], theta), spike(-x[j] - alpha * q[j], theta)
                    y[j] = alpha * y[j] + theta * up
                    q[j] = alpha * q[j] + theta * down
                    z[j] = y[j] - q[j]
                    sign[j] = up - down
                downs = ZERO
                for j in range(first, first + n):
                    downs += HALF * (abs(sign[j]) - sign[j])
                k = 0
                for j in range(n):
                    fired[k] = j
                    k += sign[first + j] > ZERO
                counts[3 * i] += np.{kind}(k)
                counts[3 * i + 1] += downs
                if i > 0:
                    size = layers[i - 1]
                    into = mu[first - size : first]
                    for f in range(k):
                        line = m[block + fired[f] * size : block + (fired[f] + 1) * size]
                        for j in range(size):
                            into[j] += theta * line[j]
                    block += n * size
                first += n
            # errors are told, if there are any
            first = block = 0
            for i in range(top if held else 0):
                n = layers[i]
                for j in range(first, first + n):
                    left = z[j] - mu[j] - fixed[j] - alpha * e[j]
                    s = spike(left, theta) - spike(-left, theta)
                    e[j] = alpha * e[j] + theta * s
                    sign[j] = s
                k = 0
                for j in range(n):
                    fired[k] = j
                    k += sign[first + j] != ZERO
                counts[3 * i + 2] += np.{kind}(k)
                if i < top - 1:
                    size = layers[i + 1]
                    into = b[first + n : first + n + size]
                    for f in range(k):
                        line = w[block + fired[f] * size : block + (fired[f] + 1) * size]
                        push = theta * sign[first + fired[f]]
                        for j in range(size):
                            into[j] += push * line[j]
                    block += n * size
                first += n
            if t >= since:
                for j in range(nodes):
                    seen[j] += share * z[j]
                    on[j] += share * y[j]
                    wrong[j] += share * e[j]
'''


@cache
def present(single: bool) -> Native | Interpreted:
    """Return the loop."""
    return load(_TEXT.format(kind="float32" if single else "float64"), single, "present", "qqqQrrrRRRRR" + "R"*9 + "Q" + "RRRR")


@dataclass(frozen=True)
class Pairs:
    """What pairs are made of; times in steps.

    Attributes:
        tau: of synapses and membranes, above 0.
        steps: of a presentation, at least 2.
        pace: 1/tau_x, by which values move; above 0 and below 1.
        ceiling: the greatest number that can be told, above 0.
    """

    tau: float = 10.0
    steps: int = 60
    pace: float = 0.1
    ceiling: float = 2.0

    @property
    def alpha(self) -> float:
        """What is left of a trace after a step."""
        return float(np.exp(-1/self.tau))

    @property
    def theta(self) -> float:
        """What a spike tells."""
        return self.ceiling*(1 - self.alpha)


@dataclass(frozen=True, eq=False)
class Presented:
    """What a network came to: means over the second half of the presentation.

    Attributes:
        z: values that were told, of layers 0 ... L-1, each (rows, layers[i]).
        y: what the "on" neurons alone told, likewise; y[L] are the data.
        e: errors that were told, likewise.
        spikes: (rows, L, 3): of "on" and "off" neurons of the values, and of the errors, by layer.
    """

    z: list[np.ndarray]
    y: list[np.ndarray]
    e: list[np.ndarray]
    spikes: np.ndarray

    @property
    def energy(self) -> float:
        """F = 1/2 sum_i |e^i|^2, mean over the samples."""
        return float(sum(0.5*np.einsum("ij,ij", e, e, dtype=np.float64) for e in self.e)/len(self.spikes))


def show(net: PredictiveNetwork, data: np.ndarray, label: np.ndarray | None, pairs: Pairs) -> Presented:
    """Show samples to a network, each by itself.

    Args:
        net: a network of direction "discriminative", activation "relu", output "linear" and nu 1.
        data: (rows, n_data).
        label: (rows, n_label), which is clamped, or None: then there are no errors.
        pairs: constants of the neurons.
    """
    kind, top, rows = net.dtype, net.top, len(data)
    ends = np.cumsum(net.layers[:top])
    given = [np.ascontiguousarray(a, kind) for a in (data, np.zeros((rows, 0)) if label is None else label)]
    flat = lambda arrays: np.concatenate([np.zeros(0, kind), *(a.ravel() for a in arrays)])
    scratch = [np.zeros(ends[-1], kind) for _ in range(9)]
    found = [np.zeros((rows, ends[-1]), kind) for _ in range(3)]
    spikes = np.zeros((rows, top, 3), kind)
    loop = present(kind == np.float32).bind(
        pairs.steps, pairs.steps//2, int(label is not None), np.array(net.layers, np.int64), kind.type(pairs.pace),
        kind.type(pairs.alpha), kind.type(pairs.theta), *(a.ravel() for a in given), flat(net.M), flat(net.W[:top - 1]),
        flat(net.beta), *scratch, np.zeros(ends[-1], np.int64), *(a.reshape(-1) for a in (*found, spikes)))
    loop(0, rows)
    z, y, e = (np.split(a, ends[:-1], axis=1) for a in found)
    return Presented(z, [*y, given[0]], e, spikes)


def events(net: PredictiveNetwork, spikes: np.ndarray) -> float:
    """Return the synaptic events of a sample, mean over samples.

    A spike of a value reaches its own error, one of an error its partner and its own value; "on" neurons of values reach the
    errors of the layer below as well, errors the values of the layer above.

    Args:
        spikes: as in `Presented`.
    """
    below, above = np.array([0, *net.layers[:net.top - 1]]), np.array([*net.layers[1:net.top], 0])
    targets = np.stack([below + 1, np.ones(net.top), above + 2], axis=1)
    return float((spikes.mean(axis=0, dtype=np.float64)*targets).sum())
