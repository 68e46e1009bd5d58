"""The loops of inference that are not products of matrices, compiled once for each activation function.

A step of inference for one layer is, besides two products, ten passes over arrays in NumPy; here it is two.  Rows are samples.
Sums over units are made in four interleaved parts, whose order depends on nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

from neurosim.codegen.native import Interpreted, Job, Native
from neurosim.codegen.store import load
from neurosim.predictive.activation import ACTIVATIONS

_HEAD = '''"""predictive coding, {what}: compiled loop."""

import math  # noqa: F401

import numpy as np

from neurosim.kernels import {vmath} as vmath  # noqa: F401
from neurosim.kernels.jit import entry, kernel, minimum, unsigned  # noqa: F401

ZERO, HALF, ONE, SMALL = np.{kind}(0.0), np.{kind}(0.5), np.{kind}(1.0), np.{kind}(0.01)
'''

_PROPOSE = '''

@kernel
def sigma(x):
    """Activation."""
    return {value}


@kernel
def slope(x, y):
    """Its derivative."""
    return {slope}


@entry
def propose(step0, n_steps, n, x, y, error, step, x_new, y_new):
    """Rows step0 ... : x_new = x + step (slope(x) y_new - error), then y_new = sigma(x_new); y_new comes in as feedback."""
    for row in range(step0, step0 + n_steps):
        eta = step[row]
        first = unsigned(row * n)
        for j in range(unsigned(n)):
            k = first + j
            moved = x[k] + eta * (slope(x[k], y[k]) * y_new[k] - error[k])
            x_new[k] = moved
            y_new[k] = sigma(moved)
'''

_DEVIATE = '''

@entry
def deviate(step0, n_steps, n, stride, x, bias, precision, error, energy):
    """Rows step0 ... : error = (x - bias - error) precision, which comes in as product; energy += 1/2 sum of its share.

    precision[row * stride + k]: stride 0 for one precision for all rows.
    """
    whole = n - n % 4
    for row in range(step0, step0 + n_steps):
        at = unsigned(row * n)
        weighted = unsigned(row * stride)
        for k in range(unsigned(n)):
            error[at + k] = x[at + k] - bias[k] - error[at + k]
        s0 = s1 = s2 = s3 = ZERO
        for k in range(unsigned(0), unsigned(whole), unsigned(4)):
            i, j = at + k, weighted + k
            s0 += error[i] * error[i] * precision[j]
            s1 += error[i + unsigned(1)] * error[i + unsigned(1)] * precision[j + unsigned(1)]
            s2 += error[i + unsigned(2)] * error[i + unsigned(2)] * precision[j + unsigned(2)]
            s3 += error[i + unsigned(3)] * error[i + unsigned(3)] * precision[j + unsigned(3)]
        for k in range(unsigned(whole), unsigned(n)):
            s0 += error[at + k] * error[at + k] * precision[weighted + k]
        energy[row] += HALF * ((s0 + s1) + (s2 + s3))
        for k in range(unsigned(n)):
            error[at + k] *= precision[weighted + k]
'''

_JUDGE = '''

@entry
def judge(step0, n_steps, energy, energy_new, step, rule):
    """Rows step0 ... : lengthen the step where the energy has not risen, else shorten it; rule[3] counts the latter.

    rule: factor of a longer step, factor of a shorter one, longest step, count.  Where it has risen, energy_new becomes NaN.
    """
    for row in range(step0, step0 + n_steps):
        if energy_new[row] <= energy[row]:
            step[row] = minimum(step[row] * rule[0], rule[2])
        else:
            step[row] *= rule[1]
            energy_new[row] = np.nan
            rule[3] += ONE
'''

_RESTORE = '''

@entry
def restore(step0, n_steps, n, mark, x, y, error, x_new, y_new, error_new):
    """Rows step0 ... whose mark is NaN: the new values are the old ones again."""
    for row in range(step0, step0 + n_steps):
        if mark[row] != mark[row]:
            first = unsigned(row * n)
            for j in range(unsigned(n)):
                x_new[first + j] = x[first + j]
                y_new[first + j] = y[first + j]
                error_new[first + j] = error[first + j]
'''


@cache
def propose(name: str, single: bool) -> Native | Interpreted:
    """Return the loop that moves the states of a layer whose activation has this name."""
    a = ACTIVATIONS[name]
    return _made(f"propose {name}", _PROPOSE.format(value=a.loop_value, slope=a.loop_slope), "propose", single, "qRRRRRR")


@cache
def deviate(single: bool) -> Native | Interpreted:
    """Return the loop that makes errors and energies of predictions."""
    return _made("deviate", _DEVIATE, "deviate", single, "qqRRRRR")


@cache
def judge(single: bool) -> Native | Interpreted:
    """Return the loop that compares energies."""
    return _made("judge", _JUDGE, "judge", single, "RRRR")


@cache
def restore(single: bool) -> Native | Interpreted:
    """Return the loop that undoes the steps of some samples in one layer."""
    return _made("restore", _RESTORE, "restore", single, "qRRRRRRR")


def direct(job: Job) -> Callable[[int, int], object]:
    """Return a job as a function of (first row, rows) that costs half a microsecond, where a job costs two and a half."""
    if job.function.address is None:
        return job
    call = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(job.function.address)
    cells = job.cells.ctypes.data

    def run(row: int, rows: int, job: Job = job) -> None:
        # the job keeps its arrays alive; these loops have nothing that could fail
        call(cells, row, rows)

    return run


def _made(what: str, body: str, name: str, single: bool, signature: str) -> Native | Interpreted:
    kind = "float32" if single else "float64"
    text = _HEAD.format(what=f"{what}, {kind}", vmath="vmath32" if single else "vmath64", kind=kind) + body
    return load(text, single, name, signature)
