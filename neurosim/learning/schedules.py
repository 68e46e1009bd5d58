"""Learning rates that change with time.  Time is counted in epochs, fractions of an epoch included."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Real

from neurosim.errors import ParameterError


class Schedule(ABC):
    """A learning rate as a function of the epoch."""

    @abstractmethod
    def at(self, epoch: float) -> float:
        """Return the rate after so many epochs."""


@dataclass(frozen=True)
class StepDecay(Schedule):
    """rate factor^floor(epoch/every)."""

    rate: float
    factor: float = 0.5
    every: float = 10.0

    def __post_init__(self):
        positive("StepDecay", rate=self.rate, factor=self.factor, every=self.every)

    def at(self, epoch: float) -> float:
        return self.rate*self.factor**math.floor(epoch/self.every)


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """rate factor^epoch."""

    rate: float
    factor: float = 0.95

    def __post_init__(self):
        positive("ExponentialDecay", rate=self.rate, factor=self.factor)

    def at(self, epoch: float) -> float:
        return self.rate*self.factor**epoch


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """last + (rate - last)(1 + cos(pi epoch/epochs))/2, then `last` (Loshchilov & Hutter 2017, arXiv:1608.03983)."""

    rate: float
    epochs: float
    last: float = 0.0

    def __post_init__(self):
        positive("CosineDecay", rate=self.rate, epochs=self.epochs)
        if not 0 <= self.last < math.inf:
            raise ParameterError(f"CosineDecay: last={self.last} must be a number that is not negative.")

    def at(self, epoch: float) -> float:
        return self.last + (self.rate - self.last)*(1 + math.cos(math.pi*min(epoch/self.epochs, 1.0)))/2


@dataclass(frozen=True)
class WarmUp(Schedule):
    """From 0 in proportion to time for `epochs`, then what comes `after`, whose own time begins then."""

    epochs: float
    after: float | Schedule

    def __post_init__(self):
        positive("WarmUp", epochs=self.epochs)
        demand_rate("WarmUp", self.after)

    def at(self, epoch: float) -> float:
        if epoch < self.epochs:
            return rate_at(self.after, 0.0)*epoch/self.epochs
        return rate_at(self.after, epoch - self.epochs)


def rate_at(rate: float | Schedule, epoch: float) -> float:
    """Return a learning rate, a number or a schedule, at a time."""
    return rate.at(epoch) if isinstance(rate, Schedule) else rate


def demand_rate(what: str, rate: float | Schedule) -> None:
    """Raise ParameterError if `rate` is neither a schedule nor a number that is finite and not negative."""
    if not isinstance(rate, Schedule) and not (isinstance(rate, Real) and 0 <= rate < math.inf):
        raise ParameterError(f"{what}: rate={rate!r} must be a number that is not negative, or a schedule such as CosineDecay.")


def positive(what: str, **values: float) -> None:
    """Raise ParameterError for a value that is not positive and finite."""
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ParameterError(f"{what}: {name}={value!r} must be positive.")
