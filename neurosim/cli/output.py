"""Where commands write: a folder checked before the run starts, files that are whole or absent, plain tables."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from neurosim.errors import StorageError

#: bytes that must be free before a run begins
NEEDED = 20_000_000


def open_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder that can be written, made if necessary.

    Raises:
        StorageError: if it cannot be made or written, is a file, or the disk is full.
    """
    folder = Path(path).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
        free = shutil.disk_usage(folder).free
    except FileExistsError:
        raise StorageError(f"{folder} is a file. Give a folder with --out.") from None
    except OSError as error:
        raise StorageError(f"The folder {folder} cannot be written: {error.strerror}. Give another with --out.") from None
    if free < NEEDED:
        raise StorageError(f"The disk of {folder} has {free / 1e6:.1f} MB left; {NEEDED / 1e6:.0f} MB are needed. "
                           "Make room, or give another folder with --out.")
    return folder


def write(path: Path, writer: Callable[[Path], Any]) -> Path:
    """Write a file by `writer(temporary path)`; it appears at `path` only when it is whole.

    Raises:
        StorageError: if it cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}_{path.name}")
    try:
        writer(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_figure(path: Path, figure: Any) -> Path:
    """Write a figure; the ending of `path` gives the format."""
    from neurosim import plot

    return write(path, lambda temporary: plot.save(figure, temporary))


def write_json(path: Path, values: Mapping[str, Any]) -> Path:
    """Write numbers, texts, lists and mappings as JSON; NaN and infinity become null."""
    text = json.dumps(_plain(values), indent=2, allow_nan=False) + "\n"
    return write(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def write_recordings(path: Path, results: Mapping[str, Any]) -> Path | None:
    """Write spikes, traces and arrays to an HDF5 file; return None if there is nothing to write.

        <name>/spikes/<population>/times, indices      with attributes size, start, stop
        <name>/traces/<probe>/times, values, neurons   with attributes variable, unit, population
        <name>                                         an array
    """
    import numpy as np

    from neurosim.simulator.results import Result

    kept = {}
    for name, value in results.items():
        if isinstance(value, Result):
            kept[name] = value
        elif isinstance(value, (np.ndarray, float, int, list, tuple)):
            array = np.asarray(value)
            if array.dtype.kind in "biuf":
                kept[name] = array
    if not kept:
        return None

    def writer(temporary: Path) -> None:
        import h5py

        with h5py.File(temporary, "w") as file:
            for name, value in kept.items():
                if isinstance(value, Result):
                    _write_result(file.create_group(name), value)
                else:
                    file[name] = value

    return write(path, writer)


def _write_result(group: Any, result: Any) -> None:
    group.attrs.update(dt=result.dt, start=result.start, time=result.time, problem=result.problem)
    for name, trains in result.spikes.items():
        part = group.create_group(f"spikes/{name}")
        part["times"], part["indices"] = trains.times, trains.indices
        part["times"].attrs["unit"] = "ms"
        part.attrs.update(size=trains.size, start=trains.start, stop=trains.stop)
    for name, trace in result.traces.items():
        part = group.create_group(f"traces/{name}")
        part["times"], part["values"], part["neurons"] = trace.times, trace.values, trace.neurons
        part["times"].attrs["unit"] = "ms"
        part.attrs.update(variable=trace.variable, unit=trace.unit, population=trace.population)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text below a head (empty for none), in columns; numbers stand to the right."""
    if not rows:
        return
    head = head or ("",) * len(rows[0])
    columns = list(zip(*([tuple(head)] + [tuple(map(str, row)) for row in rows])))
    widths = [max(map(len, column)) for column in columns]
    right = [bool(column[1:]) and all(_number(cell) for cell in column[1:]) for column in columns]
    for k, row in enumerate(zip(*columns)):
        if k == 0 and not any(row):
            continue
        cells = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right)]
        click.echo("  ".join(cells).rstrip())
        if k == 0:
            click.echo("  ".join("-" * w for w in widths))


def _number(cell: str) -> bool:
    try:
        float(cell.removeprefix("±").strip() or "0")
    except ValueError:
        return False
    return True


def comparison(rows: Sequence[Any], limit: str = "tolerance") -> bool:
    """Print published `Row`s as a table; return whether all agree."""
    table(("number", "published", "measured", limit, "unit", ""),
          [(r.name, f"{r.published:.6g}", f"{r.measured:.6g}", f"±{r.tolerance:.3g}", r.unit, "ok" if r.ok else "DIFFERS")
           for r in rows])
    return all(r.ok for r in rows)
