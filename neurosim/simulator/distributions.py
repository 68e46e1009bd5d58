"""Distributions of parameters and initial values, drawn by counter: the same seed gives the same neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError


@dataclass(frozen=True)
class Distribution:
    """Common part; `sample` returns one value for each of n neurons."""

    #: tells parameter checks to leave the value alone
    is_distribution = True

    def sample(self, seed: int, stream: int, n: int) -> np.ndarray:
        """Return n values; value k depends on (seed, stream, k) only."""
        from neurosim.simulator.draws import uniforms

        return self.quantile(uniforms(seed, stream, n))

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """Return the quantiles at u in (0, 1)."""
        raise TypeError(f"{type(self).__name__} has no quantile function")


def _check(owner, **values) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or np.isnan(value):
            raise ParameterError(f"{type(owner).__name__}: {name} must be a number, not {value!r}.")


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform on [low, high)."""

    low: float
    high: float

    def __post_init__(self):
        _check(self, low=self.low, high=self.high)
        if not -np.inf < self.low <= self.high < np.inf:
            raise ParameterError(f"Uniform: low ({self.low}) must not be above high ({self.high}), both finite.")

    def quantile(self, u):
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal with mean and standard deviation, restricted to [low, high] where these are given."""

    mean: float
    sd: float
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self):
        _check(self, mean=self.mean, sd=self.sd, low=self.low, high=self.high)
        if not (self.sd >= 0 and np.isfinite(self.sd) and np.isfinite(self.mean)):
            raise ParameterError(f"Normal: sd must be finite and not negative ({self.sd}), mean finite ({self.mean}).")
        if not self.low < self.high:
            raise ParameterError(f"Normal: low ({self.low}) must be below high ({self.high}).")

    def quantile(self, u):
        from scipy.special import ndtr, ndtri

        if self.sd == 0:
            return np.clip(np.full(np.shape(u), float(self.mean)), self.low, self.high)
        # work in the lower tail, where ndtr keeps its relative precision
        a, b = (self.low - self.mean) / self.sd, (self.high - self.mean) / self.sd
        mirrored = a > 0
        if mirrored:
            a, b = -b, -a
        z = ndtri(ndtr(a) + (ndtr(b) - ndtr(a)) * np.asarray(u))
        return np.clip(self.mean + self.sd * (-z if mirrored else z), self.low, self.high)


@dataclass(frozen=True)
class LogNormal(Distribution):
    """exp(mu + sigma N): median exp(mu)."""

    mu: float
    sigma: float

    def __post_init__(self):
        _check(self, mu=self.mu, sigma=self.sigma)
        if not (self.sigma >= 0 and np.isfinite(self.sigma) and np.isfinite(self.mu)):
            raise ParameterError("LogNormal: mu must be finite, sigma finite and not negative.")

    def quantile(self, u):
        return np.exp(Normal(self.mu, self.sigma).quantile(u))


@dataclass(frozen=True)
class ExponentialDistribution(Distribution):
    """Exponential with the given mean."""

    mean: float

    def __post_init__(self):
        _check(self, mean=self.mean)
        if not 0 < self.mean < np.inf:
            raise ParameterError(f"ExponentialDistribution: mean must be positive and finite, not {self.mean}.")

    def quantile(self, u):
        return -self.mean * np.log1p(-np.asarray(u))


@dataclass(frozen=True)
class Choice(Distribution):
    """One of the given values, equally likely or with the given probabilities."""

    values: Sequence[float]
    probabilities: Sequence[float] | None = None

    def __post_init__(self):
        if not len(self.values):
            raise ParameterError("Choice: give at least one value.")
        if self.probabilities is not None:
            p = np.asarray(self.probabilities, dtype=float)
            if p.shape != (len(self.values),) or not np.all(p >= 0) or abs(p.sum() - 1) > 1e-9:
                raise ParameterError("Choice: probabilities must be as many as the values, not negative, with sum 1.")

    def quantile(self, u):
        n = len(self.values)
        edges = np.cumsum(self.probabilities) if self.probabilities is not None else np.arange(1, n + 1) / n
        place = np.minimum(np.searchsorted(edges, u, side="right"), n - 1)
        return np.asarray(self.values, dtype=float)[place]
