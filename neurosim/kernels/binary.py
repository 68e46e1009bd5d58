"""Asynchronous updates of binary neurons; see attractors/hopfield_network.py.

    name      shape              meaning
    weights   (n, n)             weights[i, j]: from i to j
    bias      (n,)
    held      (n,)               neurons that keep their value
    state     (m, n)             -1 or 1
    field     (m, n)             state @ weights + bias, kept up to date
    stream    (m,)               which order of updates a row follows
    energy    (m,)               of each row, kept up to date
    changed   (m,)               flips of each row in this sweep
    trace     (n, m) or (0, 0)   energy after each update
"""

import numpy as np

from neurosim.kernels.jit import entry, unsigned
from neurosim.kernels.random import uniform_pair


@entry
def sweep_rows(weights, symmetric, bias, held, state, field, stream, energy, changed, trace, tie, seed, sweep):
    """Let every neuron of every row follow the sign of its field once, in random order; within `tie` of 0 it stays.

    The order is that of Fisher and Yates, with numbers drawn by (seed, stream, pair of neurons, sweep).
    """
    m, n = state.shape
    order = np.empty(n, np.int64)
    for r in range(m):
        for i in range(n):
            order[i] = i
        i = n - 1
        while i > 0:
            first, second = uniform_pair(seed, stream[r], i >> 1, sweep)
            j = min(int(first * (i + 1)), i)
            order[i], order[j] = order[j], order[i]
            i -= 1
            if i > 0:
                j = min(int(second * (i + 1)), i)
                order[i], order[j] = order[j], order[i]
                i -= 1
        flips = 0
        for k in range(n):
            i = unsigned(order[k])
            x = state[r, i]
            if x * field[r, i] < -tie and not held[i]:
                flips += 1
                if symmetric:
                    twice = 2.0 * field[r, i]
                else:
                    twice = 2.0 * bias[i]
                    for j in range(n):
                        twice += (weights[i, j] + weights[j, i]) * state[r, j]
                energy[r] += x * twice - 2.0 * weights[i, i]
                state[r, i] = -x
                change = -2.0 * x
                for j in range(n):
                    field[r, j] += change * weights[i, j]
            if trace.size:
                trace[k, r] = energy[r]
        changed[r] = flips
