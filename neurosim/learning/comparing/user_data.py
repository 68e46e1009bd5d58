"""Files of users: what a file is by its first bytes and its ending, and arrays of NPZ and HDF5 files."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, StorageError, listing, nearest
from neurosim.learning.comparing.csv_table import read_csv

#: kind: (what it is called, endings, first bytes)
KINDS: dict[str, tuple[str, tuple[str, ...], bytes]] = {
    "npz": ("an NPZ file (zip)", (".npz",), b"PK"),
    "hdf5": ("an HDF5 file", (".h5", ".hdf5", ".hdf"), b"\x89HDF\r\n\x1a\n"),
    "gz": ("a gzip file", (".gz",), b"\x1f\x8b"),
    "csv": ("a CSV file (text)", (".csv", ".tsv", ".txt", ".data"), b""),
}
SAMPLES = ("x", "data", "samples", "features", "images", "inputs")
ANSWERS = ("y", "target", "targets", "label", "labels", "answers", "outputs")


def read(path: Path, label: str | int | None = None, header: bool | None = None, task: str | None = None) -> tuple[Any, Any]:
    """Return samples and answers of a CSV (gzipped too), NPZ or HDF5 file.

    Args:
        path: the file.
        label: where the answers are: name or number (from 1, -1 the last) of a column, name of an array; None for the last
            column, or the array called y, target or labels.
        header: whether a CSV file begins with names; None to find out.
        task: "numbers" where every answer must be one.

    Raises:
        StorageError: the file cannot be read, or is not what its ending says.
        ParameterError: its content does not fit; the text names line and column.
    """
    kind = kind_of(path)
    if kind in ("csv", "gz"):
        return read_csv(path, label, header, task, gzipped=kind == "gz")
    if label is not None and not isinstance(label, str):
        raise ParameterError(f"{path}: label={label!r}, but arrays have names. Give the name of the array of answers.")
    return _chosen(path, _npz(path) if kind == "npz" else _hdf5(path), label)


def kind_of(path: Path) -> str:
    """Return "npz", "hdf5", "gz" or "csv" by the first bytes of a file.

    Raises:
        StorageError: it cannot be read, is empty, a folder, or not what its ending says.
    """
    if path.is_dir():
        raise StorageError(f"{path} is a folder. Give a file.")
    try:
        with path.open("rb") as file:
            begin = file.read(8)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from None
    if not begin:
        raise StorageError(f"{path} is empty.")
    found = next(kind for kind, (_, _, magic) in KINDS.items() if begin.startswith(magic))
    said = next((kind for kind, (_, endings, _) in KINDS.items() if path.suffix.lower() in endings), found)
    # a gzipped table may go without its second ending
    if said != found and (said, found) != ("csv", "gz"):
        words, endings, _ = KINDS[found]
        raise StorageError(f"{path} is not {KINDS[said][0]} as its ending says; by its content it may be {words}. Write it "
                           f"again, or give it the ending {endings[0]}.")
    return found


def _npz(path: Path) -> dict[str, Callable[[], np.ndarray]]:
    def load(name: str) -> np.ndarray:
        try:
            with np.load(path, allow_pickle=False) as file:
                return file[name]
        except ValueError as error:
            if "allow_pickle" in str(error):
                raise ParameterError(f"{path}: the array {name!r} holds Python objects, which are not read. Save it as numbers "
                                     "or texts of fixed length.") from None
            raise StorageError(f"{path}: the array {name!r} is damaged: {error}.") from None
        except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise StorageError(f"{path}: the array {name!r} is damaged: {error}.") from None

    try:
        with np.load(path, allow_pickle=False) as file:
            names = list(file.files)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StorageError(f"{path} cannot be read as an NPZ file: {error}. Write it again with numpy.savez.") from None
    return {name: (lambda name=name: load(name)) for name in names}


def _hdf5(path: Path) -> dict[str, Callable[[], np.ndarray]]:
    import h5py

    def load(name: str) -> np.ndarray:
        try:
            with h5py.File(path, "r") as file:
                return file[name][()]
        except OSError as error:
            raise StorageError(f"{path}: the dataset {name!r} is damaged: {error}.") from None

    names: list[str] = []
    try:
        with h5py.File(path, "r") as file:
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    except OSError as error:
        raise StorageError(f"{path} cannot be read as an HDF5 file: {error}.") from None
    return {name: (lambda name=name: load(name)) for name in names}


def _chosen(path: Path, arrays: Mapping[str, Callable[[], np.ndarray]], label: str | None) -> tuple[Any, Any]:
    if label is None:
        label = _named(arrays, ANSWERS)
    elif label not in arrays:
        raise ParameterError(f"{path}: there is no array {label!r}.{nearest(label, arrays)} It holds: {listing(arrays)}.")
    others = [name for name in arrays if name != label]
    samples = _named(others, SAMPLES) or (others[0] if len(others) == 1 else None)
    if label is None or samples is None:
        raise ParameterError(f"{path} holds: {listing(arrays)}. Samples are looked for as X (n_samples, n_features) and "
                             "answers as y (n_samples,): call them so, or name the array of answers with label.")
    return arrays[samples](), arrays[label]()


def _named(names: Any, known: tuple[str, ...]) -> str | None:
    by_end = {name.rsplit("/", 1)[-1].lower(): name for name in names}
    return next((by_end[k] for k in known if k in by_end), None)
