"""Intervals of a mean over runs, and of differences in pairs.

With values d_1 ... d_J of J runs, mean m and variance s^2 = sum (d_j - m)^2 / (J - 1), the interval is

    m +- t_(J-1) sqrt((1/J + q) s^2)

with Student's t.  q = 0 is the usual interval.  Runs whose samples for learning overlap are not independent, and that interval
is then too narrow; q = n_test / n_train corrects it (C. Nadeau, Y. Bengio 2003, Inference for the generalization error, Machine
Learning 52, 239, doi:10.1023/A:1024068626366).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A mean and its interval.

    Attributes:
        mean: NaN without values.
        half: half the interval; NaN with fewer than two values.
        count: number of values.
    """

    mean: float
    half: float
    count: int

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half

    @property
    def decided(self) -> bool:
        """Whether 0 lies outside; values that are all the same say nothing of how they vary, and decide nothing."""
        return bool(0 < self.half < abs(self.mean))


def interval(values: Any, overlap: float = 0.0, confidence: float = 0.95, size: float = 0.0) -> Interval:
    """Return mean and interval of the values that are not NaN; `overlap` is q above.

    Values that differ by no more than rounding are the same, and half their interval is 0; `size` is the greatest number they
    were computed from, if it is greater than they are.
    """
    found = np.asarray(values, dtype=float)
    found = found[~np.isnan(found)]
    n = len(found)
    if n < 2:
        return Interval(float(found[0]) if n else float("nan"), float("nan"), n)
    # differences of equal scores, such as 73/75 - 70/75 and 72/75 - 69/75, are not equal to the last bit
    if np.ptp(found) <= 8 * np.finfo(float).eps * max(size, np.abs(found).max()):
        return Interval(float(found.mean()), 0.0, n)
    half = _quantile(confidence, n - 1) * np.sqrt((1 / n + overlap) * found.var(ddof=1))
    return Interval(float(found.mean()), float(half), n)


@cache
def _quantile(confidence: float, freedom: int) -> float:
    """Return the half width of Student's interval in standard errors; SciPy takes a tenth of a millisecond for it."""
    from scipy.stats import t

    return float(t.ppf((1 + confidence) / 2, freedom))


def paired(values: Any, base: Any, overlap: float = 0.0, confidence: float = 0.95) -> Interval:
    """Return mean and interval of values - base, run by run; runs that one of them lacks are left out."""
    values, base = np.asarray(values, dtype=float), np.asarray(base, dtype=float)
    largest = max((float(np.nanmax(np.abs(a))) for a in (values, base) if not np.isnan(a).all()), default=0.0)
    return interval(values - base, overlap, confidence, largest)
