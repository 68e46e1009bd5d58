"""Optimisers: how parameters x follow their gradient g.  All are frozen descriptions; the numbers they need lie in `state`.

    SGD        x <- x - rate g
    Momentum   v <- beta v + g,   x <- x - rate v
    Nesterov   v <- beta v + g,   x <- x - rate (g + beta v)
    RMSProp    s <- rho s + (1 - rho) g^2,   x <- x - rate g/(sqrt(s) + epsilon)
    Adam       m <- beta1 m + (1 - beta1) g,   s <- beta2 s + (1 - beta2) g^2,
               x <- x - rate m'/(sqrt(s') + epsilon),   m' = m/(1 - beta1^t), s' = s/(1 - beta2^t)
    AdamW      x <- (1 - rate decay) x, then Adam

`update` works in place on pieces of flat arrays that fit a cache, with one scratch array: no memory is asked for in a step.

Sources: Polyak 1964 (doi:10.1016/0041-5553(64)90137-5); Nesterov 1983 and Sutskever et al. 2013
(proceedings.mlr.press/v28/sutskever13); RMSProp: Tieleman & Hinton 2012, lecture 6.5 of Neural Networks for Machine Learning;
Kingma & Ba 2015, arXiv:1412.6980; Loshchilov & Hutter 2019, arXiv:1711.05101.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurosim.errors import ParameterError
from neurosim.learning.schedules import Schedule, demand_rate, positive

#: changes the elements from `first` on by their gradient: (first, g, rate, t)
CompiledUpdate = Callable[[int, np.ndarray, float, int], None]


class Optimiser(ABC):
    """A rule x <- x - step(g).

    Attributes:
        rate: learning rate, a number or a schedule.
        slots: names of the arrays that the rule carries from step to step, each as long as x and 0 at first.
    """

    rate: float | Schedule
    slots: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
               scratch: np.ndarray) -> None:
        """Change x, and the state, in place.

        Args:
            x, g: parameters and gradient, shape (n,).
            state: arrays of shape (n,) by the names in `slots`.
            rate: learning rate of this step.
            t: number of the step, from 1.
            scratch: shape (n,), written over.
        """

    def compiled(self, x: np.ndarray, state: dict[str, np.ndarray]) -> CompiledUpdate | None:
        """Return the same for long arrays x, as a function of (first, g, rate, t), if the rule has a compiled form; else None.

        It changes the elements of x and of the state from `first` on; g has any shape and is contiguous.
        """
        return None


def _demand(name: str, rate: float | Schedule, epsilon: float = 1e-8, **below_one: float) -> None:
    demand_rate(name, rate)
    # with 0, a gradient that is 0 would be divided by 0
    positive(name, epsilon=epsilon)
    for what, value in below_one.items():
        if not 0 <= value < 1:
            raise ParameterError(f"{name}: {what}={value!r} must be at least 0 and less than 1.")


@dataclass(frozen=True)
class SGD(Optimiser):
    """x <- x - rate g."""

    rate: float | Schedule = 0.1

    def __post_init__(self):
        _demand("SGD", self.rate)

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
               scratch: np.ndarray) -> None:
        np.multiply(g, rate, scratch)
        np.subtract(x, scratch, x)


@dataclass(frozen=True)
class Momentum(Optimiser):
    """v <- beta v + g, x <- x - rate v."""

    rate: float | Schedule = 0.01
    beta: float = 0.9
    slots: ClassVar[tuple[str, ...]] = ("v",)

    def __post_init__(self):
        _demand("Momentum", self.rate, beta=self.beta)

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
               scratch: np.ndarray) -> None:
        v = state["v"]
        np.multiply(v, self.beta, v)
        np.add(v, g, v)
        np.multiply(v, rate, scratch)
        np.subtract(x, scratch, x)


@dataclass(frozen=True)
class Nesterov(Optimiser):
    """v <- beta v + g, x <- x - rate (g + beta v)."""

    rate: float | Schedule = 0.01
    beta: float = 0.9
    slots: ClassVar[tuple[str, ...]] = ("v",)

    def __post_init__(self):
        _demand("Nesterov", self.rate, beta=self.beta)

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
               scratch: np.ndarray) -> None:
        v = state["v"]
        np.multiply(v, self.beta, v)
        np.add(v, g, v)
        np.multiply(v, self.beta, scratch)
        np.add(scratch, g, scratch)
        np.multiply(scratch, rate, scratch)
        np.subtract(x, scratch, x)


@dataclass(frozen=True)
class RMSProp(Optimiser):
    """s <- rho s + (1 - rho) g^2, x <- x - rate g/(sqrt(s) + epsilon)."""

    rate: float | Schedule = 0.001
    rho: float = 0.9
    epsilon: float = 1e-8
    slots: ClassVar[tuple[str, ...]] = ("s",)

    def __post_init__(self):
        _demand("RMSProp", self.rate, self.epsilon, rho=self.rho)

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
               scratch: np.ndarray) -> None:
        s = state["s"]
        np.multiply(g, g, scratch)
        np.multiply(scratch, 1 - self.rho, scratch)
        np.multiply(s, self.rho, s)
        np.add(s, scratch, s)
        np.sqrt(s, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.divide(g, scratch, scratch)
        np.multiply(scratch, rate, scratch)
        np.subtract(x, scratch, x)


@dataclass(frozen=True)
class Adam(Optimiser):
    """m and s: running means of g and g^2, freed of their start at 0; x <- x - rate m'/(sqrt(s') + epsilon)."""

    rate: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    slots: ClassVar[tuple[str, ...]] = ("m", "s")

    def __post_init__(self):
        _demand(type(self).__name__, self.rate, self.epsilon, beta1=self.beta1, beta2=self.beta2)

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
               scratch: np.ndarray) -> None:
        _adam(self, x, g, state, rate, t, scratch)

    def compiled(self, x: np.ndarray, state: dict[str, np.ndarray]) -> CompiledUpdate | None:
        return _compiled_adam(self, x, state)


@dataclass(frozen=True)
class AdamW(Optimiser):
    """Adam with weights (matrices and kernels, not biases) that decay by themselves: x <- (1 - rate decay) x."""

    rate: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.01
    slots: ClassVar[tuple[str, ...]] = ("m", "s")

    def __post_init__(self):
        _demand("AdamW", self.rate, self.epsilon, beta1=self.beta1, beta2=self.beta2)
        demand_rate("AdamW: decay as", self.decay)

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
               scratch: np.ndarray) -> None:
        _adam(self, x, g, state, rate, t, scratch)

    def compiled(self, x: np.ndarray, state: dict[str, np.ndarray]) -> CompiledUpdate | None:
        return _compiled_adam(self, x, state)


def _adam(rule: Adam | AdamW, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
          scratch: np.ndarray) -> None:
    # held as m/(1 - beta1) and s/(1 - beta2), which saves two passes; the factors meet in rate and epsilon
    m, s = state["m"], state["s"]
    np.multiply(m, rule.beta1, m)
    np.add(m, g, m)
    np.multiply(s, rule.beta2, s)
    np.multiply(g, g, scratch)
    np.add(s, scratch, s)
    epsilon, rate = _adam_factors(rule, rate, t)
    np.sqrt(s, scratch)
    np.add(scratch, epsilon, scratch)
    np.divide(m, scratch, scratch)
    np.multiply(scratch, rate, scratch)
    np.subtract(x, scratch, x)


def _adam_factors(rule: Adam | AdamW, rate: float, t: int) -> tuple[float, float]:
    of_m = (1 - rule.beta1)/(1 - rule.beta1**t)
    of_s = math.sqrt((1 - rule.beta2)/(1 - rule.beta2**t))
    return rule.epsilon/of_s, rate*of_m/of_s


def _compiled_adam(rule: Adam | AdamW, x: np.ndarray, state: dict[str, np.ndarray]) -> CompiledUpdate | None:
    # only those who train large networks wait for the compiler
    from neurosim.learning.compiled_adam import adam_pass

    loop = adam_pass(x, state["m"], state["s"])
    if loop is None:
        return None
    loop.numbers[:2] = rule.beta1, rule.beta2

    def update(first: int, g: np.ndarray, rate: float, t: int) -> None:
        loop.numbers[2:] = _adam_factors(rule, rate, t)
        loop(first, g)

    return update


#: optimisers by name
OPTIMISERS: dict[str, type[Optimiser]] = {"sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "rmsprop": RMSProp,
                                          "adam": Adam,
                                          "adamw": AdamW}
