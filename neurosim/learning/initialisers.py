"""How weights begin: as random numbers whose variance lets signals and gradients pass at their size.

With n_in inputs and n_out outputs per unit (of a kernel: times its places)

    glorot       variance 2/(n_in + n_out), uniform     Glorot & Bengio 2010, proceedings.mlr.press/v9/glorot10a
    he           variance 2/n_in, normal                He et al. 2015 (doi:10.1109/ICCV.2015.123)
    lecun        variance 1/n_in, normal                LeCun et al. 2012 (doi:10.1007/978-3-642-35289-8_3)
    orthogonal   rows or columns orthonormal            Saxe et al. 2014, arXiv:1312.6120
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, listing, nearest

Initialiser = Callable[[tuple[int, ...], np.random.Generator], np.ndarray]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs a unit has, and how many outputs an input reaches, for weights (..., n_in, n_out)."""
    places = int(np.prod(shape[:-2])) if len(shape) > 2 else 1
    return places*shape[-2], places*shape[-1]


def glorot(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return weights uniform within +-sqrt(6/(n_in + n_out)); for tanh and logistic units."""
    limit = np.sqrt(6/max(sum(fans(shape)), 1))
    return rng.uniform(-limit, limit, shape)


def he(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return normal weights of variance 2/n_in; for rectified units."""
    return rng.standard_normal(shape)*np.sqrt(2/max(fans(shape)[0], 1))


def lecun(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return normal weights of variance 1/n_in."""
    return rng.standard_normal(shape)*np.sqrt(1/max(fans(shape)[0], 1))


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return weights with orthonormal rows or columns, whichever are fewer; all but the last axis count as rows."""
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    # signs of the diagonal of r make q uniform over orthogonal matrices (Mezzadri 2007, arXiv:math-ph/0609050)
    q = q*np.where(np.diag(r) < 0, -1.0, 1.0)
    return (q if rows >= columns else q.T).reshape(shape)


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return weights of zero."""
    return np.zeros(shape)


#: initialisers by name
INITIALISERS: dict[str, Initialiser] = {"glorot": glorot, "he": he, "lecun": lecun, "orthogonal": orthogonal, "zeros": zeros}


def initialiser_of(given: str | Initialiser | None, activation: Any = "linear") -> Initialiser:
    """Return the initialiser that was given by name or as a function (shape, rng) -> array.

    Args:
        given: None for the one that fits the activation: he for rectified units, else glorot.
        activation: what the weights lead to.

    Raises:
        ParameterError: the name is not known.
    """
    if given is None:
        return he if activation in ("relu", "leaky_relu", "elu", "softplus") else glorot
    if callable(given):
        return given
    if given not in INITIALISERS:
        raise ParameterError(f"initialiser {given!r} is not known.{nearest(str(given), INITIALISERS)} Use a function of "
                             f"(shape, rng), or one of: {listing(INITIALISERS)}.")
    return INITIALISERS[given]
