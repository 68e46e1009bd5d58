"""Reverse accumulation: from the seed of one variable to the gradients of everything it was made of.

For y = f(x_1, ..., x_n) and the gradient g = dE/dy of a number E, each input gets its vector-Jacobian product

    dE/dx_k = g^T dy/dx_k

and where branches join, what comes from each of them is summed.  Operations are visited from the deepest to the first one,
an operation being one deeper than the deepest of its inputs: by then everything that uses a value has been visited.

Sources: Linnainmaa 1976 (doi:10.1007/bf01931367); Griewank & Walther 2008, Evaluating Derivatives
(doi:10.1137/1.9780898717761).
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
        raise ParameterError("backward: the value depends on no variable, so there is nothing to differentiate. Make a Var of "
                             "what you want the gradient of, before computing with it and outside no_grad.")
    if y.dtype.kind == "c":
        raise ParameterError("backward: gradients are of real numbers. Take real values throughout.")
    if seed is None:
        if y.size != 1:
            raise ParameterError(f"backward: a value of shape {y.shape} needs a seed, the gradient of that shape. Pass "
                                 "backward(seed), or take .sum() or .mean() first.")
        seed = np.array(1.0, y.dtype) if y.ndim == 0 else np.ones(y.shape, y.dtype)
    else:
        seed = np.asarray(data(seed), dtype=y.dtype)
        if seed.shape != y.shape:
            raise ParameterError(f"backward: the seed has shape {seed.shape}, the value {y.shape}. They must be the same.")
    if y.creator is None:
        _deposit(y, seed)
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
    # of operations not yet visited, and of leaves: the gradient, and for which of them that array is ours to write into
    held: dict[Any, np.ndarray] = {top: seed}
    ours: set = set()
    leaves: list[Var] = []
    for op in _from_the_deepest(top):
        g = held.pop(op, None)
        if g is not None:
            watched = op.seals is not None
            if watched or op.kept is not None:
                _watch(op, g)
            pulls, wanted = op.pulls, op.wanted
            together = None if type(pulls) is tuple else pulls(g, wanted)
            for k, x in enumerate(op.inputs):
                if not wanted[k]:
                    continue
                d = pulls[k](g) if together is None else together[k]
                if d is None:
                    continue
                value, key = x.value, x.creator
                if type(d) is not np.ndarray or d.shape != value.shape or d.dtype != value.dtype or watched:
                    d = _fitted(d, value, op, k)
                if key is None:
                    key = x
                    if x not in held:
                        leaves.append(x)
                if key in held or type(d) is Part:
                    held[key] = _sum(held.get(key), d, key in ours, value)
                    ours.add(key)
                else:
                    held[key] = d
                    if d is not g and d.base is None:
                        ours.add(key)
        if release:
            op.inputs, op.pulls = (), None
    for x in leaves:
        if x.grad is None and x in ours:
            x.grad = held[x]
        else:
            _deposit(x, held[x])


def _from_the_deepest(top: Op) -> list[Op]:
    # a dict for its order: where branches join, the order of a sum must not depend on chance
    met, ahead = {top: None}, [top]
    while ahead:
        op = ahead.pop()
        if op.pulls is None:
            raise GradientError(f"{op.name}: this part of the graph was released by an earlier backward(release=True). Compute "
                                "the expression again, or leave release out.")
        for x in op.inputs:
            if type(x) is Var and x.creator is not None and x.creator not in met:
                met[x.creator] = None
                ahead.append(x.creator)
    return sorted(met, key=lambda op: op.depth, reverse=True)


def _watch(op: Op, g: np.ndarray) -> None:
    if op.seals is not None and seal(op.inputs) != op.seals:
        raise GradientError(f"{op.name}: a value that went in was changed in place before backward. Make a new array instead "
                            "of writing into one that a Var holds, and change parameters after backward.")
    if op.kept is not None and (kept := op.kept()) is not None:
        _deposit(kept, g)


def _fitted(d: Any, value: np.ndarray, op: Op, k: int) -> Any:
    if op.seals is not None and not np.all(np.isfinite(d.values if type(d) is Part else d)):
        raise GradientError(f"{op.name}: the gradient of input {k} is not finite. Look for a logarithm, root, quotient or "
                            "power at the border of where it is defined, or for values that overflow.")
    if type(d) is Part:
        return d
    d = np.asarray(d)
    try:
        return unbroadcast(d, value.shape).astype(value.dtype, copy=False)
    except ValueError:
        raise GradientError(f"{op.name}: its rule gave a gradient of shape {d.shape} for input {k} of shape {value.shape}. "
                            "Correct the backward function.") from None


def _sum(total: np.ndarray | None, d: Any, ours: bool, value: np.ndarray) -> np.ndarray:
    if type(d) is Part:
        return d.add_to(np.zeros_like(value) if total is None else total if ours else np.array(total))
    return np.add(total, d, out=total) if ours else np.asarray(total + d)


def _deposit(x: Var, g: np.ndarray) -> None:
    # a gradient is the user's to change, so it shares memory with nothing else
    x.grad = np.array(g) if x.grad is None else np.asarray(x.grad + g)
