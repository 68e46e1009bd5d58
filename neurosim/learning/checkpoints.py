"""Models and unfinished trainings in HDF5 files.

A file is written beside its place and then moved there, so that a crash leaves the one before; every array carries a check sum.

    /model/<name>         parameters, and memory behind "memory."
    /optimiser/<name>     what the optimiser carries
    /best/<name>          the model of lowest validation loss
    attributes            format, version, the layers in words, history as JSON, number of steps
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import StorageError
from neurosim.learning.history import History
from neurosim.learning.models import Model

_FORMAT, _VERSION = "neurosim model", 1


@dataclass
class Checkpoint:
    """What a file holds.

    Attributes:
        model: arrays by name, as Model.arrays gives them.
        layers: the layers in words.
        optimiser: arrays by name; empty for a model alone.
        best: arrays of the best model by name; empty if there is none.
        history: the course so far.
        steps: number of steps of the optimiser.
        setting: what the training was called with, in words.
    """

    model: dict[str, np.ndarray]
    layers: str
    optimiser: dict[str, np.ndarray] = field(default_factory=dict)
    best: dict[str, np.ndarray] = field(default_factory=dict)
    history: History = field(default_factory=History)
    steps: int = 0
    setting: str = ""


def save_model(model: Model, path: str | PathLike[str]) -> None:
    """Write the numbers of a model to an HDF5 file.

    Raises:
        StorageError: the file cannot be written.
    """
    write(Checkpoint(model.arrays(), described(model)), path)


def load_model(model: Model, path: str | PathLike[str]) -> Model:
    """Set the numbers of a model, built with the same layers, to those of a file, and return the model.

    Raises:
        StorageError: there is no such file, it is damaged or something else, or its model has other layers.
    """
    held = read(path)
    demand_same(model, held, path)
    model.load(held.model)
    return model


def described(model: Model) -> str:
    """Return layers, shapes and dtype of a model in words."""
    shapes = ", ".join(f"{k}{list(v.shape)}" for k, v in model.parameters.items())
    return f"{', '.join(type(layer).__name__ for layer in model.layers.layers)} of {model.dtype}: {shapes}"


def demand_same(model: Model, held: Checkpoint, path: str | PathLike[str]) -> None:
    """Raise StorageError if a file holds a model of other layers."""
    own = model.arrays()
    if held.layers != described(model) or {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in held.model.items()}:
        raise StorageError(f"{path} holds another model. There: {held.layers}. Here: {described(model)}. Build the model with "
                           "the layers of the file, or use another file.")


def write(held: Checkpoint, path: str | PathLike[str]) -> None:
    """Write a checkpoint, all or nothing.

    Raises:
        StorageError: the file cannot be written.
    """
    import h5py

    path = Path(path)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(part, "x") as file:
            file.attrs.update(format=_FORMAT, version=_VERSION, layers=held.layers, history=held.history.to_json(),
                              steps=held.steps,
                              setting=held.setting)
            for group, arrays in (("model", held.model), ("optimiser", held.optimiser), ("best", held.best)):
                _write_arrays(file.create_group(group), arrays)
        os.replace(part, path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error}. Choose a folder that exists and has room.") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part)


def _write_arrays(group: Any, arrays: Mapping[str, np.ndarray]) -> None:
    for name, value in arrays.items():
        # check sums need chunks, which neither single numbers nor empty arrays have
        plain = value.ndim == 0 or value.size == 0
        group.create_dataset(name, data=value, **({} if plain else {"fletcher32": True, "chunks": _chunks(value.shape)}))


def _chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    limit, chunks = 2**20, []
    for n in reversed(shape):
        chunks.append(max(1, min(n, limit)))
        limit //= chunks[-1]
    return tuple(reversed(chunks))


def read(path: str | PathLike[str]) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        StorageError: there is no such file, it is damaged, or it is something else.
    """
    import h5py

    if not Path(path).is_file():
        raise StorageError(f"{path}: there is no such file.")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != _FORMAT:
                raise StorageError(f"{path} is an HDF5 file, but no model of neurosim. Use a file that save_model or train "
                                   "wrote.")
            if (version := int(file.attrs["version"])) > _VERSION:
                raise StorageError(f"{path} is of format {version}, this neurosim knows {_VERSION}. Install a newer neurosim.")
            model, optimiser, best = ({name: value[()] for name, value in file[group].items()}
                                      for group in ("model", "optimiser", "best"))
            return Checkpoint(model, str(file.attrs["layers"]), optimiser, best, History.from_json(str(file.attrs["history"])),
                              int(file.attrs["steps"]), str(file.attrs["setting"]))
    except StorageError:
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise StorageError(f"{path} is damaged or no HDF5 file: {error}. Use an earlier copy, or train anew.") from None
