"""Gradient check: what backward gives against differences of the function itself.

For F(x) = sum of v o f(x) with a random v, each element of the gradient is compared with

    central difference  D(h) = (F(x + h) - F(x - h))/(2 h),    h = (3 eps)^(1/3) max(|x|, 1)
    complex step        Im F(x + i h)/h,                       h = 1e-30, for functions made of analytic pieces

The error of D(h) is h^2 F'''/6, of which (D(2 h) - D(h))/3 is an estimate, and rounding, some eps |F|/h; the bound against
which it is judged is made of both.  A complex step subtracts nothing and is precise to rounding.

Sources: Squire & Trapp 1998 (doi:10.1137/S003614459631241X); Martins, Sturdza & Alonso 2003 (doi:10.1145/838250.838251).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.autodiff.graph import GradientError, Var, data, no_grad
from neurosim.errors import ParameterError


@dataclass(frozen=True)
class ArgumentCheck:
    """How far the gradient of one argument is from what it was compared with.

    Attributes:
        argument: its number.
        method: "central difference" or "complex step".
        error: largest difference.
        ratio: largest difference divided by its bound; at most 1 if the gradient is right.
        element: where that is.
        backward, reference: the two values there.
        compared: how many elements were looked at.
    """

    argument: int
    method: str
    error: float
    ratio: float
    element: tuple[int, ...]
    backward: float
    reference: float
    compared: int

    def __str__(self) -> str:
        verdict = "agrees" if self.ratio <= 1 else "DIFFERS"
        return (f"argument {self.argument}, {self.method}, {self.compared} elements: {verdict}; largest error "
                f"{self.error:.3g}, {self.ratio:.3g} of its bound, at {self.element}: backward {self.backward:.12g}, reference "
                f"{self.reference:.12g}")


def check_gradient(f: Callable[..., Any], *arrays: Any, complex_step: bool = False, elements: int = 500, seed: int = 0,
                   raises: bool = True) -> list[ArgumentCheck]:
    """Compare the gradient of `f` with differences, and raise if it is wrong.

    Args:
        f: function of as many variables as there are arrays, that returns a variable (any shape), or a list of them.
        arrays: float arrays, where to check; away from kinks and jumps, where a gradient is not a limit of differences.
        complex_step: compare with a complex step as well; `f` must be made of analytic pieces and take complex numbers, as all
            functions of `neurosim.autodiff` do.
        elements: so many elements of each array are compared, a random choice of larger ones.
        seed: of v and of that choice.
        raises: False to get the comparison also if it fails.

    Returns:
        One comparison for each argument and method.

    Raises:
        GradientError: a gradient is wrong; the message tells which argument, where and by how much.
        ParameterError: `f` does not return variables, or an argument is not of floats.
    """
    values = [np.asarray(data(a), dtype=np.float64) for a in arrays]
    if any(a.dtype.kind not in "fiub" for a in map(np.asarray, map(data, arrays))):
        raise ParameterError("check_gradient: the arrays must be real numbers.")
    rng = np.random.default_rng(seed)
    given = [Var(np.array(v)) for v in values]
    made = _list(f(*given))
    if any(type(y) is not Var for y in made):
        raise ParameterError("check_gradient: f must return a Var or a list of them. Build its result from the arguments.")
    weights = [rng.standard_normal(y.shape) for y in made]
    for y, v in zip(made, weights):
        if y.tracked:
            y.backward(v)

    def number(*point: np.ndarray) -> Any:
        with no_grad():
            return sum_of([(v*y.value).sum() for v, y in zip(weights, _list(f(*(Var(p) for p in point))))])

    scale = sum_of([np.abs(v*y.value).sum() for v, y in zip(weights, made)])
    found = []
    for k, x in enumerate(values):
        gradient = np.zeros_like(x) if given[k].grad is None else given[k].grad
        chosen = np.arange(x.size) if x.size <= elements else np.sort(rng.choice(x.size, elements, replace=False))
        if chosen.size == 0:
            continue
        for method in (_central, _complex)[:2 if complex_step else 1]:
            found.append(_compared(k, method, number, values, gradient, chosen, scale))
    wrong = [c for c in found if not c.ratio <= 1]
    if wrong and raises:
        raise GradientError("check_gradient: backward does not give the gradient of the function.\n  "
                            + "\n  ".join(str(c) for c in found))
    return found


def sum_of(terms: list) -> Any:
    """Return the sum of numbers; 0.0 for none."""
    total = 0.0
    for term in terms:
        total = total + term
    return total


def _list(made: Any) -> list:
    return list(made) if isinstance(made, (list, tuple)) else [made]


def _compared(k: int, method: Callable, number: Callable, values: list, gradient: np.ndarray, chosen: np.ndarray,
              scale: float) -> ArgumentCheck:
    x = values[k]
    reference, bound = np.empty(chosen.size), np.empty(chosen.size)
    for n, place in enumerate(chosen):
        at = np.unravel_index(place, x.shape)
        reference[n], bound[n] = method(number, values, k, at, scale)
    got = gradient.ravel()[chosen]
    error = np.abs(got - reference)
    # rounding of the backward pass itself: some thousand units in the last place of what is summed
    ratio = np.where(np.isfinite(error), error/(bound + 1e-12*(np.abs(reference) + np.abs(got))), np.inf)
    worst = int(np.argmax(ratio))
    return ArgumentCheck(k, {_central: "central difference", _complex: "complex step"}[method], float(error.max()),
                         float(ratio[worst]), tuple(int(i) for i in np.unravel_index(chosen[worst], x.shape)),
                         float(got[worst]), float(reference[worst]), int(chosen.size))


def _central(number: Callable, values: list, k: int, at: tuple, scale: float) -> tuple[float, float]:
    eps = np.finfo(np.float64).eps
    h = (3*eps)**(1/3)*max(abs(values[k][at]), 1.0)

    def difference(h: float) -> float:
        ends = []
        for side in (h, -h):
            moved = np.array(values[k])
            moved[at] += side
            ends.append(number(*values[:k], moved, *values[k + 1:]))
        return float((ends[0] - ends[1])/(2*h))

    once, twice = difference(h), difference(2*h)
    # a hundred roundings of the sum, and the truncation that the two differences show
    return once, 100*eps*scale/h + abs(twice - once)


def _complex(number: Callable, values: list, k: int, at: tuple, scale: float) -> tuple[float, float]:
    moved = values[k].astype(np.complex128)
    moved[at] += 1e-30j
    slope = float(np.imag(number(*values[:k], moved, *values[k + 1:]))/1e-30)
    return slope, 1e-12*(1 + scale)
