"""Data for a comparison: sets known by name, the user's file, or arrays, all brought into one form.

The sets of real data come with scikit-learn (see `sklearn.datasets` for who collected them); moons and friedman1 are drawn
afresh, always the same: `make_moons(1000, noise=0.2, random_state=0)` and `make_friedman1(1000, noise=1.0, random_state=0)`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, StorageError, listing, nearest

#: answers that are whole numbers are classes if there are at most so many of them
FEW = 20


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and their answers.

    Attributes:
        name: of the set, or the file.
        x: samples, (n_samples, n_features), float64, finite.
        y: places in `classes`, (n_samples,), int64; or numbers, float64.
        classes: names of the classes; empty where answers are numbers.
        limits: range of every feature where it is known, such as (0, 16) for grey levels.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None

    @property
    def numbers(self) -> bool:
        """Whether answers are numbers instead of classes."""
        return not self.classes

    @cached_property
    def fingerprint(self) -> str:
        """A hash of samples and answers."""
        found = hashlib.sha256(repr((self.x.shape, self.classes)).encode())
        found.update(np.ascontiguousarray(self.x))
        found.update(np.ascontiguousarray(self.y))
        return found.hexdigest()[:16]


def _bundled(loader: str) -> Callable[[], tuple[Any, Any, Any]]:
    def load() -> tuple[Any, Any, Any]:
        from sklearn import datasets

        bunch = getattr(datasets, loader)()
        return bunch.data, bunch.target, getattr(bunch, "target_names", None)

    return load


def _moons() -> tuple[Any, Any, Any]:
    from sklearn.datasets import make_moons

    return *make_moons(1000, noise=0.2, random_state=0), ("upper", "lower")


def _friedman1() -> tuple[Any, Any, Any]:
    from sklearn.datasets import make_friedman1

    return *make_friedman1(1000, noise=1.0, random_state=0), None


#: name: (function that returns samples, answers and names of classes, known range of the features)
DATASETS: dict[str, tuple[Callable[[], tuple[Any, Any, Any]], tuple[float, float] | None]] = {
    "digits": (_bundled("load_digits"), (0.0, 16.0)),
    "breast-cancer": (_bundled("load_breast_cancer"), None),
    "wine": (_bundled("load_wine"), None),
    "iris": (_bundled("load_iris"), None),
    "moons": (_moons, None),
    "diabetes": (_bundled("load_diabetes"), None),
    "friedman1": (_friedman1, None),
}


def dataset(data: Any, *, task: str | None = None, label: str | int | None = None, header: bool | None = None) -> Dataset:
    """Return data in one form.

    Args:
        data: a name of `DATASETS`, the path of a CSV, NPZ or HDF5 file, a pair (X, y), or a Dataset.
        task: "classes" or "numbers", what the answers are; None: texts, and at most 20 different whole numbers, are classes.
        label: where the answers stand in a file: name of a column or an array, or number of a column from 1 (-1 the last).
        header: whether a CSV file begins with names; None to find out.

    Raises:
        ParameterError: an unknown name, arrays that do not fit, NaN, infinity, one class only.
        StorageError: a file is missing, or not what it says.
    """
    if task not in (None, "classes", "numbers"):
        raise ParameterError(f"task={task!r}: 'classes' or 'numbers' is needed, or None to find out.")
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str) and data in DATASETS:
        load, limits = DATASETS[data]
        x, y, names = load()
        # what is known of these sets leaves nothing to find out
        own = task or ("numbers" if names is None else "classes")
        return made(data, x, y, own, names if own == "classes" else None, limits)
    if isinstance(data, (str, os.PathLike)):
        return _from_file(data, task, label, header)
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return made("data", *data, task)
    raise ParameterError(f"data is {type(data).__name__}. Give a name ({listing(DATASETS)}), the path of a CSV, NPZ or HDF5 "
                         "file, or a pair (X, y).")


def _from_file(data: Any, task: str | None, label: str | int | None, header: bool | None) -> Dataset:
    from neurosim.learning.comparing.user_data import read

    path = Path(data).expanduser()
    if not path.exists():
        known = f"Known data: {listing(DATASETS)}; or the path of a CSV, NPZ or HDF5 file."
        if path.suffix or len(path.parts) > 1:
            raise StorageError(f"There is no file {str(path)!r}. {known}")
        raise ParameterError(f"There are no data {str(data)!r}.{nearest(str(data), DATASETS)} {known}")
    x, y = read(path, label, header, task)
    return made(str(path), x, y, task)


def made(name: str, x: Any, y: Any, task: str | None = None, names: Any = None,
         limits: tuple[float, float] | None = None) -> Dataset:
    """Return a Dataset of arrays: x (n_samples, ...), flattened, and y (n_samples,).

    Raises:
        ParameterError: for shapes that do not fit, samples that are not finite numbers, one class only.
    """
    x, y = _samples(name, x), np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ParameterError(f"{name}: the answers have shape {y.shape}; (n_samples,) is needed. Of one column for each class, "
                             "give y.argmax(axis=1).")
    if len(y) != len(x):
        raise ParameterError(f"{name}: {len(x)} samples, but {len(y)} answers. Give one answer for each sample.")
    y, classes = _answers(name, y, task)
    if names is not None:
        classes = tuple(str(names[int(k)]) for k in classes)
    return Dataset(name, x, y, classes, limits)


def _samples(name: str, x: Any) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        try:
            x = np.asarray(x, dtype=np.float64)
        except (TypeError, ValueError):
            raise ParameterError(f"{name}: the samples hold {x.dtype.name}, not numbers. Turn texts and categories into "
                                 "numbers, or leave them out.") from None
    if x.ndim < 2 or not x.size:
        raise ParameterError(f"{name}: the samples have shape {x.shape}; (n_samples, n_features) is needed, neither of them 0.")
    x = np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float64)
    strange = np.argwhere(~np.isfinite(x))
    if len(strange):
        row, column = strange[0]
        raise ParameterError(f"{name}: {len(strange)} values are NaN or infinite, the first in sample {row}, feature {column} "
                             "(counted from 0). Fill them in, or leave the samples out.")
    return x


def _answers(name: str, y: np.ndarray, task: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    number = y.dtype.kind in "biuf"
    if number and not np.isfinite(y).all():
        raise ParameterError(f"{name}: the answer to sample {np.flatnonzero(~np.isfinite(y))[0]} (counted from 0) is NaN or "
                             "infinite. Fill it in, or leave the sample out.")
    if not number:
        if task == "numbers":
            raise ParameterError(f"{name}: the answers are texts such as {str(y[0])!r}, not numbers. Leave task out.")
        y = np.array([v.decode() if isinstance(v, bytes) else str(v) for v in y.tolist()])
    kinds, places = np.unique(y, return_inverse=True)
    if len(kinds) < 2:
        raise ParameterError(f"{name}: every answer is {str(kinds[0])!r}. Two different ones are needed at least: is it the "
                             "right column? Name it with label.")
    if task is None and number:
        task = "classes" if len(kinds) <= FEW and (kinds == np.round(kinds)).all() else "numbers"
    if task == "numbers":
        return y.astype(np.float64), ()
    return places.astype(np.int64), tuple(str(float(k)).removesuffix(".0") if number else str(k) for k in kinds)
