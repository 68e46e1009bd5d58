"""Reverse accumulation: from the seed of one variable to the gradients of everything it was made of.

For y = f(x_1, ..., x_n) and the gradient g = dE/dy of a number E, each input gets its vector-Jacobian product

    dE/dx_k = g^T dy/dx_k

and where branches join, what comes from each of them is summed.  Operations are visited from the deepest to the first one,
an operation being one deeper than the deepest of its inputs: by then everything that uses a value has been visited.

Sources: Linnainmaa 1976 (doi:10.1007/bf01931367); Griewank & Walther 2008, Evaluating Derivatives (doi:10.1137/1.9780898717761).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.graph import GradientError, Op, Var, data, seal
from neurosim.errors import ParameterError


class Part:
    """The gradient of an array of which only x[index] was used: zero elsewhere.

    Args:
        index: what x was indexed with.
        values: gradient of x[index].
        repeats: an element may occur more than once in `index`, so that its gradients must be summed one by one.
    """

    __slots__ = ("index", "values", "repeats")

    def __init__(self, index: Any, values: np.ndarray, repeats: bool):
        self.index, self.values, self.repeats = index, values, repeats

    def add_to(self, total: np.ndarray) -> np.ndarray:
        """Add to `total`, in place, and return it."""
        if self.repeats:
            np.add.at(total, self.index, self.values)
        else:
            total[self.index] += self.values
        return total


def backward(y: Var, seed: Any = None, release: bool = False) -> None:
    """Add dE/dx to `grad` of every leaf x that `y` was made of, where dE/dy = `seed`.

    Args:
        y: where to start.
        seed: gradient, shape of `y`; left out for a `y` of one element: 1.
        release: forget the graph on the way, so that its memory becomes free as early as possible; without it the graph can
            be used again, and goes away together with the variables.

    Raises:
        ParameterError: `seed` is missing or has another shape; `y` depends on no variable.
        GradientError: a part of the graph was released before, a rule gave a wrong shape, or, within `checked`, a value was
            changed in place or a gradient is not finite.
    """
    if not y.tracked:
        raise ParameterError("backward: the value depends on no variable, so there is nothing to differentiate. Make a Var of what "
                             "you want the gradient of, before computing with it and outside no_grad.")
    if y.dtype.kind == "c":
        raise ParameterError("backward: gradients are of real numbers. Take real values throughout.")
    if seed is None:
        if y.size != 1:
            raise ParameterError(f"backward: a value of shape {y.shape} needs a seed, the gradient of that shape. Pass "
                                 "backward(seed), or take .sum() or .mean() first.")
        seed = np.ones(y.shape, y.dtype)
    else:
        seed = np.asarray(data(seed), dtype=y.dtype)
        if seed.shape != y.shape:
            raise ParameterError(f"backward: the seed has shape {seed.shape}, the value {y.shape}. They must be the same.")
    if y.creator is None:
        _deposit(y, seed, False)
    else:
        _propagate(y.creator, seed, release)


def unbroadcast(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the gradient of an array of `shape` that was broadcast to the shape of `g`: sums over what was repeated.

    Raises:
        ValueError: `shape` does not broadcast to that of `g`.
    """
    extra = g.ndim - len(shape)
    if extra < 0:
        raise ValueError(f"{shape} does not broadcast to {g.shape}")
    if extra:
        g = g.sum(axis=tuple(range(extra)))
    repeated = tuple(k for k, (n, m) in enumerate(zip(shape, g.shape)) if n == 1 and m != 1)
    if repeated:
        g = g.sum(axis=repeated, keepdims=True)
    if g.shape != shape:
        raise ValueError(f"{shape} does not broadcast to {g.shape}")
    return g


def _propagate(top: Op, seed: np.ndarray, release: bool) -> None:
    # of an operation or leaf: its gradient, and whether that array is ours to write into
    held: dict[Any, tuple[Any, bool]] = {top: (seed, False)}
    leaves: list[Var] = []
    for op in _from_the_deepest(top):
        g, _ = held.pop(op, (None, False))
        if g is not None:
            _pull(op, g, held, leaves)
        if release:
            op.release()
    for x in leaves:
        _deposit(x, *held[x])


def _from_the_deepest(top: Op) -> list[Op]:
    met, ahead = {top}, [top]
    while ahead:
        op = ahead.pop()
        if op.pulls is None:
            raise GradientError(f"{op.name}: this part of the graph was released by an earlier backward(release=True). Compute the "
                                "expression again, or leave release out.")
        for x in op.inputs:
            if type(x) is Var and x.creator is not None and x.creator not in met:
                met.add(x.creator)
                ahead.append(x.creator)
    return sorted(met, key=lambda op: op.depth, reverse=True)


def _pull(op: Op, g: np.ndarray, held: dict, leaves: list[Var]) -> None:
    if op.seals is not None and seal(op.inputs) != op.seals:
        raise GradientError(f"{op.name}: a value that went in was changed in place before backward. Make a new array instead of "
                            "writing into one that a Var holds, and change parameters after backward.")
    if op.kept is not None and (kept := op.kept()) is not None:
        _deposit(kept, g, False)
    pulls, together = op.pulls, None
    if callable(pulls):
        together = pulls(g, op.wanted)
    for k, wanted in enumerate(op.wanted):
        if not wanted:
            continue
        d = pulls[k](g) if together is None else together[k]
        if d is None:
            continue
        x = op.inputs[k]
        fresh = False
        if type(d) is not Part:
            if type(d) is not np.ndarray:
                d = np.asarray(d)
            if d.shape != x.value.shape or d.dtype != x.value.dtype:
                d = _fitted(d, x.value, op, k)
            fresh = d is not g and d.base is None
        if op.seals is not None and not np.all(np.isfinite(d.values if type(d) is Part else d)):
            raise GradientError(f"{op.name}: the gradient of input {k} is not finite. Look for a logarithm, root, quotient or power "
                                "at the border of where it is defined, or for values that overflow.")
        key = x.creator
        if key is None:
            key = x
            if x not in held:
                leaves.append(x)
        held[key] = _summed(held.get(key), d, fresh, x.value)


def _fitted(d: np.ndarray, value: np.ndarray, op: Op, k: int) -> np.ndarray:
    try:
        fitted = unbroadcast(d, value.shape)
    except ValueError:
        raise GradientError(f"{op.name}: its rule gave a gradient of shape {d.shape} for input {k} of shape {value.shape}. "
                            "Correct the backward function.") from None
    return fitted.astype(value.dtype, copy=False)


def _summed(held: tuple[Any, bool] | None, d: Any, fresh: bool, value: np.ndarray) -> tuple[Any, bool]:
    if held is None:
        return (d.add_to(np.zeros_like(value)), True) if type(d) is Part else (d, fresh)
    total, own = held
    if type(d) is Part:
        return d.add_to(total if own else np.array(total)), True
    return (np.add(total, d, out=total) if own else np.asarray(total + d)), True


def _deposit(x: Var, g: np.ndarray, own: bool) -> None:
    # a gradient is the user's to change, so it shares memory with nothing else
    x.grad = (g if own else np.array(g)) if x.grad is None else np.asarray(x.grad + g)
