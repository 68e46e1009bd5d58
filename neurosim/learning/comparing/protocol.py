"""The protocol: which samples are for learning and which for the test, how they are scaled, and one run as a job.

A run is given by a learner, a seed and a fold.  Its split depends on seed and fold alone, so that every learner meets the same
samples; the seed is also the `random_state` of the learner.  Scaling is learnt on the samples for learning only.

    split "fresh"   each seed draws its own stratified split: runs differ in samples and in the learner's random numbers
    split "fixed"   all seeds have the split of the first: runs differ in the learner's random numbers alone
    folds K         each seed divides the samples into K parts, each of which is the test of one run
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from neurosim import __version__
from neurosim.errors import ParameterError
from neurosim.learning.comparing.datasets import Dataset
from neurosim.learning.comparing.entrants import Entrant

#: raised when a record gets another content, so that finished runs of before are not taken for new ones
FORMAT = 2
SCALES = ("standard", "unit", "none")


@dataclass(frozen=True)
class Plan:
    """How the comparison is made.

    Attributes:
        seeds: one or several.
        folds: number of parts, or None for one split a seed.
        test_share: share of the samples that is for the test, without folds.
        split: "fresh" or "fixed".
        scale: "standard": features to mean 0 and standard deviation 1; "unit": to 0..1, by the known range of the features or
            else their minimum and maximum; "none".
        measures: names of `measures.MEASURES`, beside the score.
    """

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    folds: int | None = None
    test_share: float = 0.25
    split: str = "fresh"
    scale: str = "standard"
    measures: tuple[str, ...] = ()

    def runs(self) -> list[tuple[int, int | None]]:
        """Return seed and fold of each run of one learner."""
        folds = [None] if self.folds is None else range(self.folds)
        return [(seed, fold) for seed in self.seeds for fold in folds]

    def overlap(self) -> float:
        """Return samples for the test over samples for learning where samples for learning are shared between runs, else 0."""
        if self.split == "fixed":
            return 0.0
        return 1.0 / (self.folds - 1) if self.folds else self.test_share / (1.0 - self.test_share)

    def check(self, data: Dataset) -> None:
        """Raise ParameterError for values that are not possible, or not with these data."""
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or not all(0 <= s < 2**32 for s in self.seeds):
            raise ParameterError(f"seeds={self.seeds}: different whole numbers from 0 to 2**32 - 1 are needed, one at least.")
        if self.split not in ("fresh", "fixed"):
            raise ParameterError(f"split={self.split!r}: 'fresh' (a split for each seed) or 'fixed' (the same) is needed.")
        if self.scale not in SCALES:
            raise ParameterError(f"scale={self.scale!r}: 'standard', 'unit' or 'none' is needed.")
        if self.folds is None:
            self._check_share(data)
        elif self.split == "fixed":
            raise ParameterError("split='fixed' is for one split; folds are drawn for each seed. Leave one of them out.")
        elif not 2 <= self.folds <= len(data.y):
            raise ParameterError(f"folds={self.folds}: a whole number from 2 to the number of samples, {len(data.y)}, is "
                                 "needed.")
        self._check_classes(data)

    def _check_share(self, data: Dataset) -> None:
        if not 0 < self.test_share < 1:
            raise ParameterError(f"test_share={self.test_share!r}: a number between 0 and 1 is needed.")
        n_test = int(np.ceil(self.test_share * len(data.y)))
        parts = len(data.classes) or 1
        if min(n_test, len(data.y) - n_test) < parts:
            raise ParameterError(f"{data.name}: test_share={self.test_share:g} of {len(data.y)} samples gives {n_test} for the "
                                 f"test and {len(data.y) - n_test} for learning; {parts} are needed in each, one of each "
                                 "class. Change test_share, or bring more samples.")

    def _check_classes(self, data: Dataset) -> None:
        if data.numbers:
            return
        counts = np.bincount(data.y, minlength=len(data.classes))
        least, need = int(counts.argmin()), self.folds or 2
        if counts[least] < need:
            hint = "Use fewer folds" if self.folds and counts[least] >= 2 else "Bring more samples of it, leave the class out"
            raise ParameterError(f"{data.name}: class {data.classes[least]!r} has {counts[least]} sample"
                                 f"{'' if counts[least] == 1 else 's'}; {need} are needed, so that it is there for learning "
                                 f"and for the test. {hint}, or, if the answers are quantities, set task to 'numbers'.")


def split(data: Dataset, plan: Plan, seed: int, fold: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return places of the samples for learning and of those for the test, classes in equal shares."""
    from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit

    own = plan.seeds[0] if plan.split == "fixed" else seed
    if fold is None:
        one = ShuffleSplit if data.numbers else StratifiedShuffleSplit
        return next(one(1, test_size=plan.test_share, random_state=own).split(data.x, data.y))
    several = KFold if data.numbers else StratifiedKFold
    return list(several(plan.folds, shuffle=True, random_state=own).split(data.x, data.y))[fold]


@dataclass(frozen=True, eq=False)
class Scaling:
    """x -> (x - shift) / spread for samples; for answers that are numbers likewise."""

    shift: np.ndarray
    spread: np.ndarray
    mean: float = 0.0
    deviation: float = 1.0

    def samples(self, x: np.ndarray) -> np.ndarray:
        """Return samples, scaled."""
        return (x - self.shift) / self.spread

    def answers(self, y: np.ndarray) -> np.ndarray:
        """Return answers; numbers are scaled, classes are as they were."""
        return y if y.dtype.kind == "i" else (y - self.mean) / self.deviation


def scaling(data: Dataset, train: np.ndarray, scale: str) -> Scaling:
    """Return the scaling that the samples for learning give; a feature that never changes becomes 0.

    Answers that are numbers get mean 0 and standard deviation 1, unless scale is "none".
    """
    x, y = data.x[train], data.y[train]
    low, high = np.zeros(x.shape[1]), np.ones(x.shape[1])
    if scale == "standard":
        low, high = x.mean(axis=0), x.mean(axis=0) + x.std(axis=0)
    elif scale == "unit":
        low, high = (x.min(axis=0), x.max(axis=0)) if data.limits is None else (low + data.limits[0], low + data.limits[1])
    spread = np.where(high > low, high - low, 1.0)
    if not data.numbers or scale == "none":
        return Scaling(low, spread)
    return Scaling(low, spread, float(y.mean()), float(y.std()) or 1.0)


@dataclass(frozen=True, eq=False)
class Job:
    """One run: a learner with one seed on one split."""

    entrant: Entrant
    plan: Plan
    seed: int
    fold: int | None

    def description(self, data: Dataset) -> dict[str, Any]:
        """Return all that the outcome depends on, in plain values."""
        plan = asdict(self.plan)
        # other seeds make no difference to this run, but for a split that the first one draws
        first = plan.pop("seeds")[0]
        return {"format": FORMAT, "learner": self.entrant.description(), "plan": plan, "seed": self.seed, "fold": self.fold,
                "split_seed": first if self.plan.split == "fixed" else self.seed, "data": data.fingerprint,
                "versions": versions()}

    def key(self, data: Dataset) -> str:
        """Return a hash of the description."""
        return hashlib.sha256(json.dumps(self.description(data), sort_keys=True).encode()).hexdigest()[:20]


def versions() -> dict[str, str]:
    """Return the versions of the packages that an outcome depends on."""
    import sklearn

    return {"neurosim": __version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__}
