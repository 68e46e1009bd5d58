"""What every connectivity rule has: two sides, a check before anything is built, and edges in a stated order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import NetworkError, ParameterError


@dataclass(frozen=True, eq=False)
class Side:
    """The neurons on one side of a projection.

    Args:
        size: number of neurons.
        positions: their places, shape (size, 1 to 3); None: not given.
        name: the name of the population or the view, for messages.
    """

    size: int
    positions: np.ndarray | None = field(default=None, repr=False)
    name: str = "neurons"


@dataclass(eq=False)
class Edges:
    """Connections.

    Attributes:
        pre, post: int32, shape (n,): indices within the source and the target.
        weight, delay: float64, shape (n,), or None where the rule does not bring them (delay in ms).
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray | None = None
    delay: np.ndarray | None = None

    def __len__(self) -> int:
        return self.pre.size


class Rule(ABC):
    """Base of the connectivity rules.

    Connections are in ascending order of the target, and of the source for each target, unless the rule says otherwise.
    """

    #: whether the user knows the order of the connections, so that arrays with one weight or delay each make sense
    ordered: ClassVar[bool] = False

    @property
    def weighted(self) -> bool:
        """Whether the connections bring weights of their own."""
        return False

    def check(self, pre: Side, post: Side, same: np.ndarray | None = None) -> None:
        """Refuse what cannot be built, before anything is built.

        Args:
            pre, post: source and target.
            same: int, shape (post.size,): index within the source of the very same neuron as target j, or -1;
                None: the two have no neuron in common.

        Raises:
            NetworkError: if the two sides do not suit the rule.
            ParameterError: if a value of the rule cannot be right for any two sides.
        """
        for side, what in ((pre, "source"), (post, "target")):
            if side.size < 1:
                raise NetworkError(f"{self}: the {what} {side.name!r} has no neurons. Choose at least one.")
            if side.size >= 2**31:
                raise NetworkError(f"{self}: the {what} {side.name!r} has {side.size} neurons; at most 2**31 - 1 are possible.")
        self._check(pre, post, own_sources(pre, post, same))

    def _check(self, pre: Side, post: Side, same: np.ndarray) -> None:  # noqa: B027 - many rules have nothing to refuse
        """Refuse what this rule cannot build; `same` is int32, empty where the sides have no neuron in common."""

    @abstractmethod
    def expected(self, n_pre: int, n_post: int, pre: Side | None = None, post: Side | None = None) -> float:
        """Return the expected number of connections, or a bound from above where it depends on more than the sizes.

        Args:
            n_pre, n_post: numbers of neurons.
            pre, post: the sides; rules that depend on positions estimate the number from them.
        """

    def number(self, pre: Side, post: Side, same: np.ndarray | None = None) -> int:
        """Return the number of connections of a rule with an order of its own."""
        return round(self.expected(pre.size, post.size))

    @abstractmethod
    def edges(self, pre: Side, post: Side, same: np.ndarray | None = None, seed: int = 0, stream: int = 0,
              threads: int = 1) -> Edges:
        """Return the connections: the same bits for any number of threads.

        Args:
            pre, post, same: as for `check`.
            seed, stream: key of the random numbers; different streams give independent connections.
            threads: how many threads may work on it.

        Raises:
            NetworkError, ParameterError: as `check`, which is not repeated here in full.
        """


def own_sources(pre: Side, post: Side, same: np.ndarray | None) -> np.ndarray:
    """Return `same` as int32 of shape (post.size,), or an empty array if no neuron is on both sides.

    Raises:
        NetworkError: for another shape or an index outside of the source.
    """
    if same is None:
        return np.empty(0, np.int32)
    same = np.asarray(same)
    if same.shape != (post.size,):
        raise NetworkError(f"The array of common neurons has shape {same.shape}, but {post.name!r} has {post.size} neurons.")
    if same.size and (same.min() < -1 or same.max() >= pre.size):
        raise NetworkError(f"The array of common neurons names a neuron outside of {pre.name!r}.")
    if not np.any(same >= 0):
        return np.empty(0, np.int32)
    return np.array(same, dtype=np.int32)


def own_targets(pre: Side, post: Side, same: np.ndarray) -> np.ndarray:
    """Return the target that is the same neuron as source i, or -1: the inverse of `own_sources`, empty if that is.

    Raises:
        NetworkError: if a neuron is twice in the target.
    """
    if not same.size:
        return same
    own = np.full(pre.size, -1, np.int32)
    common = np.flatnonzero(same >= 0).astype(np.int32)
    own[same[common]] = common
    if np.count_nonzero(own >= 0) != common.size:
        raise NetworkError(f"A neuron is twice in {post.name!r}: with autapses=False each must be there once. "
                           "Take parts that do not overlap, or make one projection for each.")
    return own


def whole_number(owner: str, name: str, value: Any, least: int = 0) -> int:
    """Return a whole number as int.

    Raises:
        ParameterError: for other types, fractions and numbers below `least`.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        hint = ""
        if isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and np.isfinite(value):
            hint = f" Write {round(value)}, or use round()."
        raise ParameterError(f"{owner}: {name} must be a whole number, not {_short(value)}.{hint}")
    if value < least:
        raise ParameterError(f"{owner}: {name} is {value}; it must be at least {least}.")
    if value >= 2**62:
        raise ParameterError(f"{owner}: {name} is {value}; it must be below 2**62.")
    return int(value)


def probability(owner: str, name: str, value: Any) -> float:
    """Return a probability as float.

    Raises:
        ParameterError: for what is no number in [0, 1].
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise ParameterError(f"{owner}: {name} must be a number in [0, 1], not {_short(value)}.")
    if not 0.0 <= value <= 1.0:
        hint = f" Per cent? Then write {value / 100:g}." if 1.0 < value <= 100.0 else ""
        raise ParameterError(f"{owner}: {name} is {value:g}; a probability must be in [0, 1].{hint}")
    return float(value)


def yes_or_no(owner: str, **values: Any) -> None:
    """Raise `ParameterError` for a value that is neither True nor False."""
    for name, value in values.items():
        if not isinstance(value, (bool, np.bool_)):
            raise ParameterError(f"{owner}: {name} must be True or False, not {_short(value)}.")


def same_size(rule: Rule, pre: Side, post: Side, remedy: str) -> None:
    """Raise `NetworkError` unless source and target have equally many neurons."""
    if pre.size != post.size:
        raise NetworkError(f"{rule}: the source {pre.name!r} has {pre.size} neurons and the target {post.name!r} has "
                           f"{post.size}; they must be equally many. {remedy}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
