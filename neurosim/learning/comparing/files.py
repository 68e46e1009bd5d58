"""Plain values as JSON and CSV, in files that are whole or absent; and the folder of finished runs."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurosim.errors import StorageError


def plain(value: Any) -> Any:
    """Return a value as JSON has it: arrays become lists, NaN and infinity None, what is unknown text."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def write_text(path: Path, text: str) -> Path:
    """Write a file beside its place and move it there.

    Raises:
        StorageError: it cannot be written.
    """
    # not a temporary file of the system's: it would be for its owner's eyes only
    part = path.with_name(f".part-{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "x", encoding="utf-8", newline="") as file:
            file.write(text)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise StorageError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write a value as JSON; StorageError if it cannot be written."""
    return write_text(path, json.dumps(plain(value), indent=1, allow_nan=False) + "\n")


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows with the columns named; None and NaN become empty.  StorageError if it cannot be written."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: "" if v is None else v for k, v in plain(row).items()})
    return write_text(path, text.getvalue())


class Records:
    """Records of finished runs in a folder, one file each, named by the hash of what the run is."""

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(folder).expanduser()

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a record, or None if there is none that is whole."""
        try:
            found = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and "curve" in found else None

    def put(self, key: str, record: Mapping[str, Any]) -> None:
        """Write a record; StorageError if it cannot be written."""
        write_json(self.folder / f"{key}.json", record)
