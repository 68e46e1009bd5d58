"""What ready-made networks have in common: checks of arguments, ensembles with a threshold, evaluation points in boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.nef.ensemble import EnsembleArray
from neurosim.nef.sphere import cube
from neurosim.simulator.distributions import Uniform


@dataclass(frozen=True)
class Box:
    """Evenly scattered evaluation points in a box |x_i| <= side_i, where a state and its control are independent.

    Args:
        sides: half the width in each dimension, relative to the radius of the ensemble.
    """

    sides: tuple[float, ...]

    def sample(self, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
        """Return n points, shape (n, d)."""
        return (2 * cube(n, d, rng) - 1) * np.array(self.sides)


def number(value: Any, what: str, low: float = -np.inf, high: float = np.inf) -> float:
    """Return a finite number between low and high.

    Raises:
        ParameterError: otherwise.
    """
    good = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))
    if not good or not np.isfinite(value) or not low <= value <= high:
        limits = "" if np.isinf([low, high]).all() else (f" of at least {low:g}" if np.isinf(high) else
                                                         f" from {low:g} to {high:g}" if np.isfinite(low) else
                                                         f" of at most {high:g}")
        raise ParameterError(f"{what} must be a finite number{limits}, not {value!r}.")
    return float(value)


def thresholded(n_neurons: int, n_ensembles: int, threshold: float, radius: float, **options: Any) -> EnsembleArray:
    """Return ensembles of one dimension each whose neurons are silent below `threshold` and prefer larger values."""
    options.setdefault("encoders", np.ones((n_neurons, 1)))
    options.setdefault("intercepts", Uniform(max(-1.0, threshold / radius), 0.95))
    return EnsembleArray(n_neurons, n_ensembles, radius=radius, **options)
