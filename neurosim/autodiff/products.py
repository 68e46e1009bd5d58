"""Products of matrices.  g is the gradient of the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff.arithmetic import shapes_of
from neurosim.autodiff.graph import Var, data, record
from neurosim.errors import ParameterError


def matmul(a: Any, b: Any) -> Var:
    """Return a @ b, of vectors, matrices or stacks of matrices as NumPy has it; da = g b^T, db = a^T g.

    Raises:
        ParameterError: the shapes do not fit.
    """
    x, y = np.asarray(data(a)), np.asarray(data(b))
    try:
        z = np.matmul(x, y)
    except ValueError:
        raise ParameterError(f"matmul: shapes {shapes_of(x, y)} do not fit. The last axis of the left one must be as long as "
                             "the last but one of the right one (the only one of a vector).") from None
    if x.ndim == y.ndim == 2:
        return record("matmul", z, (a, b), lambda g: g @ y.T, lambda g: x.T @ g)
    row = x[np.newaxis] if x.ndim == 1 else x
    column = y[:, np.newaxis] if y.ndim == 1 else y

    def whole(g: np.ndarray) -> np.ndarray:
        g = g[..., np.newaxis] if y.ndim == 1 else g
        return g[..., np.newaxis, :] if x.ndim == 1 else g

    def of_left(g: np.ndarray) -> np.ndarray:
        d = whole(g) @ np.swapaxes(column, -1, -2)
        return d[..., 0, :] if x.ndim == 1 else d

    def of_right(g: np.ndarray) -> np.ndarray:
        g = whole(g)
        if column.ndim == 2 and row.ndim > 2:
            # one product of tall matrices instead of a stack of products to be summed
            d = row.reshape(-1, row.shape[-1]).T @ g.reshape(-1, g.shape[-1])
        else:
            d = np.swapaxes(row, -1, -2) @ g
        return d[..., 0] if y.ndim == 1 else d

    return record("matmul", z, (a, b), of_left, of_right)


def affine(x: Any, w: Any, b: Any = None) -> Var:
    """Return x w + b for samples in rows: the input of a layer of neurons.

    dx = g w^T, dw = x^T g, db = sum of the rows of g.

    Args:
        x: shape (..., n_in).
        w: shape (n_in, n_out).
        b: shape (n_out,), or None.

    Raises:
        ParameterError: the shapes do not fit.
    """
    u, m, offset = data(x), data(w), None if b is None else data(b)
    if m.ndim != 2 or u.ndim < 1 or u.shape[-1] != m.shape[0] or (offset is not None and offset.shape != m.shape[1:]):
        raise ParameterError(f"affine: x has shape {u.shape}, w {m.shape}, b {None if offset is None else offset.shape}; "
                             "needed are (..., n_in), (n_in, n_out) and (n_out,).")
    z = u @ m
    if offset is not None:
        z = np.add(z, offset, z) if z.dtype == offset.dtype else z + offset

    def of_w(g: np.ndarray) -> np.ndarray:
        return u.T @ g if u.ndim == 2 else u.reshape(-1, u.shape[-1]).T @ g.reshape(-1, g.shape[-1])

    if b is None:
        return record("affine", z, (x, w), lambda g: g @ m.T, of_w)
    return record("affine", z, (x, w, b), lambda g: g @ m.T, of_w, lambda g: g.sum(axis=tuple(range(g.ndim - 1))))


def einsum(subscripts: str, *operands: Any) -> Var:
    """Return the sum of products that `subscripts` names, as numpy.einsum does: ``einsum("bi,ij->bj", x, w)``.

    The gradient of an operand is the einsum of g with the other operands, with the subscripts of that operand as the result.

    Args:
        subscripts: letters of each operand, comma between operands, and the letters of the result after ``->``.
        operands: as many variables or arrays.

    Raises:
        ParameterError: dots, a letter twice in one operand, no ``->``, or shapes that do not fit.
    """
    text = subscripts.replace(" ", "")
    sources, arrow, target = text.partition("->")
    terms = sources.split(",")
    twice = [t for t in [*terms, target] if len(set(t)) < len(t)]
    if not arrow or "." in text or twice or len(terms) != len(operands) or not set(target) <= set(sources):
        raise ParameterError(f"einsum: {subscripts!r} with {len(operands)} operands. Give every operand its letters, each "
                             "letter once in an operand, and the result after '->', without dots: 'bi,ij->bj'.")
    values = [np.asarray(data(x)) for x in operands]
    try:
        z = np.einsum(text, *values, optimize=len(values) > 2)
    except ValueError:
        fits = False
    else:
        # numpy.einsum would repeat an axis of length one
        fits = len({(c, n) for term, v in zip(terms, values) for c, n in zip(term, v.shape)}) == len(set("".join(terms)))
    if not fits:
        raise ParameterError(f"einsum: {subscripts!r} does not fit shapes {shapes_of(*values)}. The same letter must have the "
                             "same length everywhere.")

    def rule(k: int):
        others = [t for j, t in enumerate(terms) if j != k]
        given = [v for j, v in enumerate(values) if j != k]
        known = "".join(c for c in terms[k] if c in target or any(c in t for t in others))
        # a letter that only this operand has was summed: its gradient is the same all along that axis
        kept = [values[k].shape[j] if c in known else 1 for j, c in enumerate(terms[k])]

        def pull(g: np.ndarray) -> np.ndarray:
            d = np.einsum(",".join([target, *others]) + "->" + known, g, *given, optimize=len(given) > 1)
            return np.broadcast_to(np.reshape(d, kept), values[k].shape)

        return pull

    return record("einsum", z, tuple(operands), *(rule(k) for k in range(len(operands))))
