"""Ensembles as plots take them: a description, the numbers of a built one, or plain arrays of points and rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError

#: points on a line, and along each side of a grid, where rates of an ensemble are computed
LINE_POINTS, GRID_POINTS = 401, 61


@dataclass(frozen=True)
class Tuning:
    """Rates of neurons at points: `points` (m, d), `rates` (m, n) Hz; `radius` and `encoders` (n, d) if they are known."""

    points: np.ndarray
    rates: np.ndarray
    radius: float | None = None
    encoders: np.ndarray | None = None


def subscript(number: int) -> str:
    """Return a whole number as a subscript: x₁₂."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def is_ensemble(value: Any) -> bool:
    """Return whether `value` is an ensemble: a description, or a built one, which has gains and encoders."""
    return is_built(value) or (hasattr(value, "neuron_type") and hasattr(value, "dimensions"))


def is_built(value: Any) -> bool:
    """Return whether `value` holds the numbers of an ensemble."""
    held = all(hasattr(value, name) for name in ("gain", "bias", "encoders", "radius"))
    return held and callable(getattr(value, "rates", None))


def built_of(value: Any, what: str) -> Any:
    """Return the numbers of an ensemble; a description is built as the first object of a network with seed 0.

    Raises ParameterError for what is no ensemble.
    """
    if is_built(value):
        return value
    if not is_ensemble(value):
        raise ParameterError(
            f"{what} needs an ensemble, not {type(value).__name__}. Pass result.built[ensemble], whose numbers are those of "
            "the run, or an ensemble."
        )
    from neurosim import nef

    return nef.build(nef.Network([value]))[value]


def tuning_of(value: Any, rates: Any, dimensions: int, what: str) -> Tuning:
    """Return rates at points of as many dimensions as are drawn, sorted out from what a plot was given.

    Arguments
        value: an ensemble, built or not; or points (m, d), or (m,) for one dimension
        rates: (m, n) or (m,) Hz at those points; None for an ensemble

    Raises ParameterError for shapes that do not fit together, and for ensembles of other dimensions.
    """
    if is_ensemble(value):
        if rates is not None:
            raise ParameterError(f"{what}: an ensemble has its own rates. Leave rates out, or pass points and rates.")
        built = built_of(value, what)
        d = built.encoders.shape[1]
        if d != dimensions:
            raise ParameterError(f"{what} draws {dimensions}-dimensional ensembles, not {d}-dimensional ones. {_REMEDY}")
        r = float(built.radius)
        if d == 1:
            points = np.linspace(-r, r, LINE_POINTS)[:, None]
        else:
            axis = np.linspace(-r, r, GRID_POINTS)
            points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        return Tuning(points, np.asarray(built.rates(points), dtype=np.float64), r, np.asarray(built.encoders))
    if rates is None:
        raise ParameterError(f"{what} needs rates at the points given, or an ensemble instead of points.")
    try:
        points, y = np.asarray(value, dtype=np.float64), np.asarray(rates, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{what}: points and rates must be numbers: {error}.") from error
    points = points[:, None] if points.ndim == 1 else points
    y = y[:, None] if y.ndim == 1 else y
    if points.ndim != 2 or points.shape[1] != dimensions:
        raise ParameterError(f"{what}: the points have shape {np.shape(value)}; (m, {dimensions}) is needed. {_REMEDY}")
    if y.ndim != 2 or len(y) != len(points):
        hint = " Transpose it." if y.ndim == 2 and y.shape[1] == len(points) else ""
        raise ParameterError(
            f"{what}: rates has shape {np.shape(rates)} for {len(points)} stimuli; ({len(points)}, n_neurons) is needed.{hint}"
        )
    return Tuning(points, y)


_REMEDY = (
    "tuning_curves is for one dimension, rate_maps for two; of more, draw a cut: "
    "tuning_curves(s, built.rates(s[:, None] * direction))."
)
