"""A table of numbers and answers from a CSV file; what is wrong is said with line and column."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, StorageError, listing, nearest

_MISSING = {"", "?", "na", "n/a", "nan", "null"}

#: a row: its line in the file, and its cells
Row = tuple[int, list[str]]


def read_csv(path: Path, label: str | int | None, header: bool | None, task: str | None,
             gzipped: bool) -> tuple[np.ndarray, Any]:
    """Return samples (n, n_features) and answers (n,), numbers or texts, of a CSV file.

    The delimiter is found out; empty lines and lines that begin with # are left out, and so is a first column without name
    that counts the lines.  `label`, `header` and `task` as in `user_data.read`.

    Raises:
        StorageError: it is no text, or damaged.
        ParameterError: ragged lines, cells that are no numbers, an unknown column.
    """
    rows = _rows(path, gzipped)
    if not rows:
        raise ParameterError(f"{path} holds no lines of data.")
    width = len(rows[0][1])
    for line, cells in rows:
        if len(cells) != width:
            raise ParameterError(f"{path}, line {line}: {len(cells)} columns, but {width} in line {rows[0][0]}. Every line "
                                 "needs the same; is a delimiter missing, or inside a text without quotes?")
    names = None
    if header or header is None and _has_names(rows):
        names, rows = [cell.strip() for cell in rows[0][1]], rows[1:]
        if not rows:
            raise ParameterError(f"{path} holds names of columns, but no lines of data.")
    if width < 2:
        raise ParameterError(f"{path}: one column only; samples need one feature at least, and an answer. Delimiters that are "
                             "known are comma, semicolon, tab, bar and space.")
    answer = _place(path, label, names, width)
    features = [k for k in range(width) if k != answer and not (k == 0 and width > 2 and _counts(rows, names))]
    x = np.empty((len(rows), len(features)))
    for j, k in enumerate(features):
        x[:, j] = _numbers(path, rows, k, names)
    if task == "numbers":
        return x, np.array(_numbers(path, rows, answer, names))
    return x, _answers(path, rows, answer, names)


def _rows(path: Path, gzipped: bool) -> list[Row]:
    try:
        with (gzip.open if gzipped else open)(path, "rt", encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise StorageError(f"{path} is no text in UTF-8 (byte {error.start}). Save it as CSV in UTF-8.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise StorageError(f"{path} is damaged: {error}. Compress it again.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.") from None
    lines = [line for line in text[:20_000].splitlines()[:-1 if len(text) > 20_000 else None] if not line.startswith("#")]
    reader = csv.reader(text.splitlines(keepends=True), _dialect([line for line in lines if line.strip()]))
    found = []
    try:
        for cells in reader:
            if cells and any(map(str.strip, cells)) and not cells[0].startswith("#"):
                found.append((reader.line_num, cells))
    except csv.Error as error:
        raise StorageError(f"{path}, line {reader.line_num}: {error}. Is it a CSV file?") from None
    return found


def _dialect(lines: list[str]) -> Any:
    # where a semicolon or tab stands equally often in each line, commas are decimals
    for sign in ";\t":
        if len({line.count(sign) for line in lines}) == 1 and sign in lines[0]:
            return type("Dialect", (csv.excel,), {"delimiter": sign})
    try:
        return csv.Sniffer().sniff("\n".join(lines), delimiters=",;\t| ")
    except csv.Error:
        return csv.excel


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _has_names(rows: list[Row]) -> bool:
    first = [cell.strip() for cell in rows[0][1]]
    if len(set(first)) < len(first):
        return False
    numbers = [_number(cell) for cell in first]
    if all(n is None for n in numbers):
        # texts in every column could still be a sample of nothing but texts, which is refused with its line
        # (a decimal comma is refused as well, but in the line where it is)
        return len(rows) < 2 or any(_number(cell.replace(",", ".")) is not None for cell in rows[1][1])
    # some write the names of features as 0, 1, 2 ... beside a name for the answers
    counted = [n for n in numbers if n is not None]
    named = next(k for k, n in enumerate(numbers) if n is None) if None in numbers else None
    return (counted == list(range(len(counted))) and len(counted) > 1 and named is not None
            and all(_number(cells[named]) is not None for _, cells in rows[1:]))


def _counts(rows: list[Row], names: list[str] | None) -> bool:
    if names is None or names[0]:
        return False
    begin = _number(rows[0][1][0])
    return begin is not None and all(_number(cells[0]) == begin + k for k, (_, cells) in enumerate(rows))


def _place(path: Path, label: str | int | None, names: list[str] | None, width: int) -> int:
    if label is None:
        return width - 1
    if names is not None and str(label) in names:
        return names.index(str(label))
    number = _number(str(label))
    if number is not None and number == int(number) and 1 <= abs(number) <= width:
        return int(number) - 1 if number > 0 else width + int(number)
    known = f" Columns: {listing(names)}." if names is not None else " The file has no names."
    raise ParameterError(f"{path}: there is no column {label!r}.{nearest(str(label), names or ())}{known} Give a name, or a "
                         f"number from 1 to {width} (-1 for the last).")


def _column(k: int, names: list[str] | None) -> str:
    return f"column {k + 1}" + (f" ({names[k]!r})" if names is not None else "")


def _numbers(path: Path, rows: list[Row], k: int, names: list[str] | None) -> list[float]:
    found = []
    for line, cells in rows:
        value, cell = _number(cells[k]), cells[k].strip()
        if value is None or not math.isfinite(value):
            where = f"{path}, line {line}, {_column(k, names)}"
            if cell.lower() in _MISSING:
                raise ParameterError(f"{where}: the value is missing ({cell!r}). Fill it in, or leave the line or "
                                     "the column out.")
            if value is not None:
                raise ParameterError(f"{where}: {cell} is not finite. Give a finite number, or leave the line out.")
            hint = "Write decimals with a point." if _number(cell.replace(",", ".")) is not None else \
                "Turn texts and categories into numbers, leave the column out, or name it with label if it is the answer."
            raise ParameterError(f"{where}: {cell!r} is not a number. {hint}")
        found.append(value)
    return found


def _answers(path: Path, rows: list[Row], k: int, names: list[str] | None) -> Any:
    cells = [cells[k].strip() for _, cells in rows]
    for (line, _), cell in zip(rows, cells):
        if cell.lower() in _MISSING:
            raise ParameterError(f"{path}, line {line}, {_column(k, names)}: the answer is missing ({cell!r}). Fill it in, or "
                                 "leave the line out.")
    values = [_number(cell) for cell in cells]
    if any(v is None for v in values):
        return np.array(cells)
    strange = next((j for j, v in enumerate(values) if not math.isfinite(v)), None)
    if strange is not None:
        raise ParameterError(f"{path}, line {rows[strange][0]}, {_column(k, names)}: the answer {cells[strange]} is not "
                             "finite. Give a finite number, or leave the line out.")
    return np.array(values)
