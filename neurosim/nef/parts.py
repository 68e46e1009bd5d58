"""What connections begin and end at: objects with a size, and parts of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import NetworkError, ParameterError


class End:
    """Something that has numbers to give (`size_out`) or to take (`size_in`); indexing it gives a `Part`."""

    size_in: int = 0
    size_out: int = 0
    name: str | None = None

    def __getitem__(self, key: Any) -> Part:
        return Part(self, (key,))

    # an object with __getitem__ would be iterated for ever without this
    __iter__ = None

    def describe(self) -> str:
        """Return how messages call it."""
        return f"{type(self).__name__} {self.name!r}" if self.name else f"{type(self).__name__} without a name"


@dataclass(frozen=True, eq=False)
class Part(End):
    """Some dimensions of an object: ``ensemble[0]``, ``node[:2]``, ``array[[1, 0]]``, ``ensemble.neurons[10:20]``.

    Args:
        owner: the whole object.
        keys: what it was indexed with, one after the other; each an integer, a slice, a list of integers or of booleans.

    Raises:
        NetworkError: for an index that the object does not have.
    """

    owner: End
    keys: tuple[Any, ...]

    def __post_init__(self):
        sizes = {s for s in (self.owner.size_in, self.owner.size_out) if s}
        if not any(self._chosen(s) is not None for s in sizes):
            has = " or ".join(str(s) for s in sorted(sizes)) or "no"
            raise NetworkError(f"{self.owner.describe()} has {has} dimensions, counted from 0: it has no part "
                               f"[{_spelled(self.keys[-1])}].")

    def __getitem__(self, key: Any) -> Part:
        return Part(self.owner, (*self.keys, key))

    @property
    def size_in(self) -> int:
        """Numbers that it takes."""
        return self._size(self.owner.size_in)

    @property
    def size_out(self) -> int:
        """Numbers that it gives."""
        return self._size(self.owner.size_out)

    @property
    def name(self) -> str | None:
        """Name of the owner with the indices, or None."""
        return self.owner.name and self.owner.name + "".join(f"[{_spelled(k)}]" for k in self.keys)

    def describe(self) -> str:
        """Return how messages call it."""
        return self.owner.describe() + "".join(f"[{_spelled(k)}]" for k in self.keys)

    def indices(self, size: int) -> np.ndarray:
        """Return the chosen dimensions of a side of the owner that has `size` of them: (k,) int64.

        Raises:
            NetworkError: if that side does not have them.
        """
        found = self._chosen(size)
        if found is None:
            raise NetworkError(f"{self.describe()}: this side of it has {size} dimensions only, counted from 0.")
        return found

    def _size(self, size: int) -> int:
        found = self._chosen(size)
        return 0 if found is None else len(found)

    def _chosen(self, size: int) -> np.ndarray | None:
        place = np.arange(size)
        for key in self.keys:
            if isinstance(key, tuple):
                return None
            if isinstance(key, (bool, np.bool_)) or (isinstance(key, list) and not key):
                return None
            try:
                place = np.atleast_1d(place[key])
            except (IndexError, TypeError, ValueError):
                return None
        return place if place.ndim == 1 and place.size else None


def whole(end: End) -> tuple[End, Part | None]:
    """Return the object that an end belongs to and the part of it, None for all of it."""
    return (end.owner, end) if isinstance(end, Part) else (end, None)


def chosen(part: Part | None, size: int) -> np.ndarray:
    """Return the dimensions of a part, or all of them."""
    return np.arange(size) if part is None else part.indices(size)


def numbers(values: ArrayLike, what: str, remedy: str) -> np.ndarray:
    """Return values as a float64 array of its own that cannot be written to.

    Raises:
        ParameterError: for what is not numeric or not finite.
    """
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{what} must be numbers, not {values!r:.60}. {remedy}") from None
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0]
        at = f" at [{', '.join(map(str, place))}]" if array.ndim else ""
        raise ParameterError(f"{what} must be finite, but is {array[tuple(place)]}{at}. {remedy}")
    array.flags.writeable = False
    return array


def positive_integer(value: Any, what: str) -> int:
    """Return value as an int of at least 1.

    Raises:
        ParameterError: otherwise.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ParameterError(f"{what} must be a whole number of at least 1, not {value!r}.")
    return int(value)


def positive(value: Any, what: str, unit: str) -> float:
    """Return value as a finite float above 0.

    Raises:
        ParameterError: otherwise.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)) or not 0 < value < np.inf:
        raise ParameterError(f"{what} must be a number above 0{unit and ' ' + unit}, not {value!r}.")
    return float(value)


def a_name(name: Any, what: str) -> None:
    """Check a name.

    Raises:
        ParameterError: for what is not a string, or empty.
    """
    if name is not None and not (isinstance(name, str) and name):
        raise ParameterError(f"{what}: name must be a string that is not empty, or None; not {name!r}.")


def _spelled(key: Any) -> str:
    if isinstance(key, slice):
        ends = ["" if v is None else str(v) for v in (key.start, key.stop)]
        return ":".join(ends) + (f":{key.step}" if key.step is not None else "")
    text = str(key) if not isinstance(key, np.ndarray) else str(key.tolist())
    return text if len(text) <= 40 else text[:37] + "..."
