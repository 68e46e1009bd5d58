"""The loops over time of neurons with moving thresholds and refractory steps, compiled once for each kind.

Rows and blocks are those of `neurosim.spiking.compiled`.  What is kept of each step is how far the membrane was above the
threshold, or NEVER in refractory steps.
"""

from __future__ import annotations

from functools import cache

from neurosim.codegen.native import Interpreted, Native
from neurosim.spiking.compiled import KEEP, KEPT, LISTED, RECURRENT, made
from neurosim.spiking.surrogates import SURROGATES

_FORWARD = '''
NEVER = -np.inf * ONE


@entry
def forward(step0, n_steps, steps, units, b, alpha, beta, rho, strength, theta, refractory, v, current, membrane, raised, rest,
            fired, excess, s):
    """I = alpha I + excess + b + s v, U = beta U - reset + I, a = rho a + s, excess = U - theta - strength a, s = H(excess).

    current, membrane, raised, rest, fired: (units,), scratch.
    """
    for r in range(step0, step0 + n_steps):
        for j in range(units):
            current[j] = ZERO
            membrane[j] = ZERO
            raised[j] = ZERO
            rest[j] = ZERO
        k = 0
        for t in range(steps):
            at = (r * steps + t) * units
            x, out = excess[at : at + units], s[at : at + units]{recurrent}
            for j in range(units):
                i = alpha[j] * current[j] + (x[j] + b[j])
                y = membrane[j] + i
                current[j] = i
                above = y - theta - strength[j] * raised[j]
                free = rest[j] <= ZERO
                z = ONE if free and above > ZERO else ZERO
                membrane[j] = {kept}
                raised[j] = rho[j] * raised[j] + z
                rest[j] = refractory if z > ZERO else rest[j] - ONE
                x[j] = above if free else NEVER
                out[j] = z{listed}
'''

_BACKWARD = '''
NEVER = -np.inf * ONE


@kernel
def psi(x, k):
    """Surrogate of the slope of a spike."""
    {slope}


@entry
def backward(step0, n_steps, clock, steps, units, alpha, beta, rho, strength, k, dampening, g, fed, slope, excess, dz,
             d_current, d_membrane, d_raised):
    """Gradients dz of the input of each step, from those of the spikes: g, and fed from what the spikes did in the layer.

    Steps clock[1] - 1 down to clock[0]; fed, d_current, d_membrane and d_raised, (n * units,), belong to the step after; slope:
    (units,), scratch.
    """
    for r in range(n_steps):
        i_next, u_next = d_current[r * units : (r + 1) * units], d_membrane[r * units : (r + 1) * units]
        a_next, extra = d_raised[r * units : (r + 1) * units], fed[r * units : (r + 1) * units]
        for t in range(clock[1] - 1, clock[0] - 1, -1):
            to = (r * steps + t) * units
            at = to + step0 * steps * units
            out = dz[to : to + units]
            beyond, above = excess[at : at + units], g[at : at + units]
            for j in range(0, units, LINE):
                prefetch(excess, at - 3 * units + j)
                prefetch(g, at - 3 * units + j)
            for j in range(units):
                slope[j] = dampening * psi(beyond[j], k) if beyond[j] > NEVER else ZERO
            for j in range(units):
                slope[j] *= above[j] + extra[j] + a_next[j]
            for j in range(units):
                a_next[j] = rho[j] * a_next[j] - strength[j] * slope[j]
            for j in range(units):
                u_next[j] = slope[j] + beta[j] * u_next[j]{keep}
            for j in range(units):
                i_next[j] = u_next[j] + alpha[j] * i_next[j]
                out[j] = i_next[j]
'''


@cache
def forward(reset: str, recurrent: bool, single: bool) -> Native | Interpreted:
    """Return the loop of the neurons through time."""
    text = _FORWARD.format(kept=KEPT[reset], recurrent=RECURRENT if recurrent else "", listed=LISTED if recurrent else "")
    return made(f"forward adaptive {reset}", text, "forward", single, "qqRRRRRrrRRRRRQRR")


@cache
def backward(surrogate: str, reset: str, single: bool) -> Native | Interpreted:
    """Return the loop of their gradients back through time."""
    text = _BACKWARD.format(slope=SURROGATES[surrogate].loop, keep=KEEP[reset].format(fired="beyond[j] > ZERO"))
    return made(f"backward adaptive {surrogate} {reset}", text, "backward", single, "QqqRRRRrrRRRRRRRR")
