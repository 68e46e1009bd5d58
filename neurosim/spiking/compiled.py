"""The loops over time of layers of spiking neurons, compiled once for each kind of neuron.

Rows are (sample, step), samples outermost, so that the state of one sample stays in the nearest cache while it goes through
time.  All loops begin with (step0, n_steps): the first sample and how many.  A block holds only those samples.

    name     shape                     meaning
    x        (n * T * n_in,)           what comes in: spikes, or any numbers
    u        (n * T * units,)          input from below, then the membrane U at each step, before the reset
    dz       block (n * T * units,)    gradient of the input from below
    s        (n * T * units,)          spikes, 0 or 1
    w, v     (n_in * units,), (units * units,)     from below, and from the layer itself
    first    (n * T + 1,)              events of row k: event[first[k]] ... event[first[k + 1] - 1]
    event    (n_events,)               which x of the row are not 0
    value    (n_events,)               these x
"""

from __future__ import annotations

from functools import cache

from neurosim.codegen.native import Interpreted, Native
from neurosim.codegen.store import load
from neurosim.spiking.surrogates import SURROGATES

_HEAD = '''"""surrogate gradients, {what}: compiled loop."""

import numpy as np

from neurosim.kernels import {vmath} as vmath  # noqa: F401
from neurosim.kernels.jit import entry, kernel  # noqa: F401
from neurosim.kernels.prefetch import prefetch  # noqa: F401

ZERO, HALF, ONE = np.{kind}(0.0), np.{kind}(0.5), np.{kind}(1.0)
# elements of a line of the cache
LINE = 64 // ONE.itemsize
HALF_PI, BELL = np.{kind}(1.5707963267948966), np.{kind}(0.3989422804014327)
'''

_LIST = '''
from neurosim.kernels.masks import WIDTH, lowest, mask_of, without_lowest


@entry
def list_events(step0, n_steps, steps, n_in, x, first, event, value):
    """Fill first, event and value; first[-1] stays negative if there are more events than event has room for."""
    k = 0
    first[0] = 0
    for row in range(step0 * steps, (step0 + n_steps) * steps):
        if k + n_in > event.size:
            return
        line = x[row * n_in : (row + 1) * n_in]
        whole = n_in - n_in % WIDTH
        for begin in range(0, whole, WIDTH):
            mask = mask_of(line, begin)
            while mask != 0:
                i = begin + lowest(mask)
                event[k] = i
                value[k] = line[i]
                k += 1
                mask = without_lowest(mask)
        for i in range(whole, n_in):
            if line[i] != ZERO:
                event[k] = i
                value[k] = line[i]
                k += 1
        first[row + 1] = k
'''

_GATHER = '''
from neurosim.kernels.tiles import sum_rows


@entry
def gather(step0, n_steps, steps, n_in, units, first, event, value, w, spare, u):
    """u = x w, event by event; w as tiles, (number of tiles, n_in, columns), the last one padded; spare: (columns,)."""
    columns = spare.size
    for begin in range(0, units, columns):
        part = w[begin * n_in : (begin + columns) * n_in]
        for row in range(step0 * steps, (step0 + n_steps) * steps):
            at = row * units + begin
            if begin + columns <= units:
                sum_rows(part, columns, event, value, first[row], first[row + 1], u, at)
            else:
                sum_rows(part, columns, event, value, first[row], first[row + 1], spare, 0)
                for j in range(units - begin):
                    u[at + j] = spare[j]
'''

_SCATTER = '''
from neurosim.kernels.tiles import add_rows


@entry
def scatter(step0, n_steps, steps, lag, n_in, units, columns, first, event, value, last, when, what, dz, dw):
    """dw += x(t)^T dz(t + lag); dz holds only these samples.

    The events are sorted by where they come from, so that a row of dw is read and written once for all of them:
    last: (n_in + 1,), when, what: (n_events,), scratch.
    """
    for i in range(n_in + 1):
        last[i] = 0
    for r in range(step0, step0 + n_steps):
        for e in range(first[r * steps], first[(r + 1) * steps - lag]):
            last[event[e] + 1] += 1
    for i in range(n_in):
        last[i + 1] += last[i]
    for r in range(n_steps):
        for t in range(steps - lag):
            row = (step0 + r) * steps + t
            for e in range(first[row], first[row + 1]):
                k = last[event[e]]
                last[event[e]] = k + 1
                when[k] = r * steps + t + lag
                what[k] = value[e]
    for begin in range(0, units, columns):
        part = dz[begin:]
        e = 0
        for i in range(n_in):
            at, end = i * units + begin, last[i]
            if begin + columns <= units:
                add_rows(part, units, when, what, e, end, dw, at)
            else:
                out = dw[at : (i + 1) * units]
                for k in range(e, end):
                    line, x = part[when[k] * units : when[k] * units + units - begin], what[k]
                    for j in range(units - begin):
                        out[j] += x * line[j]
            e = end
'''

_FORWARD = '''

@entry
def forward(step0, n_steps, steps, units, b, alpha, beta, theta, v, current, membrane, fired, u, s):
    """I = alpha I + u + b + s v, then U = beta U - reset + I and s = H(U - theta), through all steps.

    current, membrane, fired: (units,), scratch.
    """
    for r in range(step0, step0 + n_steps):
        for j in range(units):
            current[j] = ZERO
            membrane[j] = ZERO
        k = 0
        for t in range(steps):
            at = (r * steps + t) * units
            x, out = u[at : at + units], s[at : at + units]{recurrent}
            for j in range(units):
                i = alpha[j] * current[j] + (x[j] + b[j])
                y = membrane[j] + i
                z = ONE if y > theta else ZERO
                current[j] = i
                membrane[j] = {kept}
                x[j] = y
                out[j] = z{listed}
'''

#: adds the weights of neurons that fired
RECURRENT = '''
            for e in range(k):
                line = v[fired[e] * units : fired[e] * units + units]
                for j in range(units):
                    x[j] += line[j]'''

#: lists them
LISTED = '''
            k = 0
            for j in range(units):
                fired[k] = j
                k += out[j] != ZERO'''

#: what is left of the membrane y at the next step, with z the spike
KEPT = {"subtract": "beta[j] * y - theta * z", "zero": "beta[j] * y * (ONE - z)", "none": "beta[j] * y"}

_BACKWARD = '''

@kernel
def psi(x, k):
    """Surrogate of the slope of a spike."""
    {slope}


@entry
def backward(step0, n_steps, clock, steps, units, alpha, beta, theta, k, through, g, fed, slope, u, s, dz, d_current,
             d_membrane{sums}):
    """Gradients dz of the input of each step, from those of the spikes: g, and fed from what the spikes did in the layer.

    Steps clock[1] - 1 down to clock[0]; fed, d_current and d_membrane, (n * units,), belong to the step after; slope: (units,),
    scratch; through: 1 if gradients go through the reset, else 0.  Several short loops, because LLVM makes vectors of a loop
    only if it has few arrays to tell apart.
    """
    for r in range(n_steps):
        i_next, u_next = d_current[r * units : (r + 1) * units], d_membrane[r * units : (r + 1) * units]
        extra = fed[r * units : (r + 1) * units]
        for t in range(clock[1] - 1, clock[0] - 1, -1):
            to = (r * steps + t) * units
            at = to + step0 * steps * units
            out = dz[to : to + units]
            membrane, above = u[at : at + units], g[at : at + units]{before}
            # the processor foresees what comes in rising order, but not this
            for j in range(0, units, LINE):
                prefetch(u, at - 3 * units + j)
                prefetch(g, at - 3 * units + j)
            for j in range(units):
                slope[j] = psi(membrane[j] - theta, k){learnt}
            for j in range(units):
                later = u_next[j]
                u_next[j] = (above[j] + extra[j] - through * ({reset})) * slope[j] + beta[j] * later{keep}
            for j in range(units):
                i_next[j] = u_next[j] + alpha[j] * i_next[j]
                out[j] = i_next[j]
'''

#: derivative of the next membrane by this one, over beta, and minus that by the spike, times the gradient of the next;
#: whether there was a spike is seen from the membrane, which saves reading s
KEEP = {"subtract": "", "zero": " * (ZERO if {fired} else ONE)", "none": ""}
_RESET = {"subtract": "theta * later", "zero": "beta[j] * membrane[j] * later", "none": "ZERO"}

_BEFORE = '''
            earlier = u[at - units : at] if t > 0 else membrane
            last = s[at - units : at] if t > 0 else membrane
            known = ONE if t > 0 else ZERO'''

# the input current is not kept: it follows from two membranes
_LEARNT = '''
            for j in range(units):
                d_beta[r * units + j] += u_next[j] * membrane[j]{keep}
            for j in range(units):
                d_alpha[r * units + j] += i_next[j] * (membrane[j] - known * ({kept}))'''
_KEPT_BEFORE = {"subtract": "beta[j] * earlier[j] - theta * last[j]", "zero": "beta[j] * earlier[j] * (ONE - last[j])",
                "none": "beta[j] * earlier[j]"}

_INTEGRATE = '''

@entry
def integrate(step0, n_steps, steps, units, backwards, alpha, beta, z):
    """I = alpha I + z, U = beta U + I and z = U, through all steps; backwards from the last one for gradients."""
    for r in range(step0, step0 + n_steps):
        for j in range(units):
            i, y = ZERO, ZERO
            for t in range(steps):
                at = (r * steps + (steps - 1 - t if backwards else t)) * units + j
                if backwards:
                    y = beta[j] * y + z[at]
                    i = alpha[j] * i + y
                    z[at] = i
                else:
                    i = alpha[j] * i + z[at]
                    y = beta[j] * y + i
                    z[at] = y
'''


@cache
def list_events(single: bool) -> Native | Interpreted:
    """Return the loop that finds what is not 0."""
    return made("events", _LIST, "list_events", single, "qqRQIR")


@cache
def gather(single: bool) -> Native | Interpreted:
    """Return the loop that multiplies events by weights."""
    return made("gather", _GATHER, "gather", single, "qqqQIRRRR")


@cache
def scatter(single: bool) -> Native | Interpreted:
    """Return the loop that multiplies events by gradients."""
    return made("scatter", _SCATTER, "scatter", single, "qqqqqQIRQIRRR")


@cache
def forward(reset: str, recurrent: bool, single: bool) -> Native | Interpreted:
    """Return the loop of the neurons through time."""
    text = _FORWARD.format(kept=KEPT[reset], recurrent=RECURRENT if recurrent else "", listed=LISTED if recurrent else "")
    return made(f"forward {reset}", text, "forward", single, "qqRRRrRRRQRR")


@cache
def backward(surrogate: str, reset: str, learnt: bool, single: bool) -> Native | Interpreted:
    """Return the loop of their gradients back through time."""
    keep = KEEP[reset].format(fired="membrane[j] > theta")
    text = _BACKWARD.format(
        slope=SURROGATES[surrogate].loop, sums=", d_alpha, d_beta" if learnt else "", before=_BEFORE if learnt else "",
        reset=_RESET[reset], keep=keep,
        learnt=_LEARNT.format(keep=keep, kept=_KEPT_BEFORE[reset]) if learnt else "")
    return made(f"backward {surrogate} {reset}", text, "backward", single, "QqqRRrrrRRRRRRRR" + "RR"*learnt)


@cache
def integrate(single: bool) -> Native | Interpreted:
    """Return the loop of leaky integrators, forwards or backwards."""
    return made("integrate", _INTEGRATE, "integrate", single, "qqqRRR")


def made(what: str, body: str, name: str, single: bool, signature: str) -> Native | Interpreted:
    """Return the function `name` of a module of this body; its constants and imports are those of all loops here."""
    kind = "float32" if single else "float64"
    text = _HEAD.format(what=f"{what}, {kind}", vmath="vmath32" if single else "vmath64", kind=kind) + body
    return load(text, single, name, signature)
