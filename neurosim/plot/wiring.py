"""What the plots of connections accept, checked once: the connections of one projection as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError

#: Connections handled at once, so that a hundred million need no copies of their own size.
CHUNK = 1 << 22


@dataclass(frozen=True)
class Wiring:
    """Connections of one projection: `pre`, `post` (n,) of `n_pre` and `n_post` neurons; `weight`, `delay` (n,) or numbers."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray | float
    delay: np.ndarray | float
    n_pre: int
    n_post: int
    name: str
    unit: str

    @property
    def ends(self) -> tuple[str, str]:
        """Names of source and target, as the name "E->I" has them; empty where it has none."""
        source, arrow, target = self.name.partition("->")
        return (source.strip(), target.strip()) if arrow else ("", "")


def wiring_of(connections: Any, name: str = "connections") -> Wiring:
    """Return connections as arrays, without copies.

    Arguments
        connections: has `pre`, `post` (n,), `n_pre`, `n_post`, `weight`, `delay` (arrays (n,) or numbers) and `name`
        name: what messages call it

    Raises ParameterError if it is something else, if arrays differ in length, or an index is out of range.
    """
    if isinstance(connections, Mapping):
        raise ParameterError(
            f"{name} holds {len(connections)} projections. Pass those of one, such as "
            f'result.connections["{next(iter(connections), "E->I")}"].'
        )
    missing = [part for part in ("pre", "post", "n_pre", "n_post") if not hasattr(connections, part)]
    if missing:
        raise ParameterError(
            f"{name} is {type(connections).__name__}, without {', '.join(missing)}. Pass one of result.connections, such as "
            'result.connections["E->I"].'
        )
    pre, post = np.asarray(connections.pre), np.asarray(connections.post)
    if pre.ndim != 1 or pre.shape != post.shape:
        raise ParameterError(f"{name} has pre of shape {pre.shape} and post of shape {post.shape}; (n,) both is needed.")
    sizes = []
    for part, array in (("pre", pre), ("post", post)):
        size = int(getattr(connections, f"n_{part}"))
        if array.size and (array.dtype.kind not in "iu" or int(array.min()) < 0 or int(array.max()) >= size):
            raise ParameterError(f"{name}.{part} must be whole numbers from 0 to {size - 1}, below n_{part}.")
        sizes.append(size)
    values = [_values(getattr(connections, part, np.nan), pre.size, f"{name}.{part}") for part in ("weight", "delay")]
    unit = str(getattr(connections, "unit", "") or "")
    return Wiring(pre, post, *values, *sizes, str(getattr(connections, "name", "") or ""), unit)


def _values(value: Any, n: int, name: str) -> np.ndarray | float:
    array = np.asarray(np.nan if value is None else value)
    if array.dtype.kind not in "iufb" or array.ndim > 1 or (array.ndim == 1 and array.size != n):
        raise ParameterError(f"{name} has shape {array.shape} and type {array.dtype}; a number or ({n},) numbers are needed.")
    return array if array.ndim else float(array)


def degrees_of(wiring: Wiring, direction: str) -> np.ndarray:
    """Return the number of connections of each target ("in") or source ("out") neuron, int64."""
    of, size = (wiring.post, wiring.n_post) if direction == "in" else (wiring.pre, wiring.n_pre)
    total = np.zeros(size, np.int64)
    for low in range(0, of.size, CHUNK):
        total += np.bincount(of[low : low + CHUNK], minlength=size)
    return total


def block_counts(
    wiring: Wiring, step_pre: int, step_post: int, weights: bool = False
) -> np.ndarray:
    """Return how many connections, or which sum of weights, lead from blocks of sources to blocks of targets.

    Arguments
        step_pre, step_post: neurons in a block
        weights: sums of weights instead of counts

    Returns shape (ceil(n_post / step_post), ceil(n_pre / step_pre)).
    """
    rows, columns = -(-wiring.n_post // step_post), -(-wiring.n_pre // step_pre)
    total = np.zeros(rows * columns, np.float64 if weights else np.int64)
    each = weights and isinstance(wiring.weight, np.ndarray)
    for low in range(0, wiring.pre.size, CHUNK):
        part = slice(low, low + CHUNK)
        cell = (wiring.post[part] // step_post).astype(np.int64) * columns + wiring.pre[part] // step_pre
        total += np.bincount(cell, wiring.weight[part] if each else None, minlength=total.size)
    if weights and not each:
        total *= float(wiring.weight)
    return total.reshape(rows, columns)
