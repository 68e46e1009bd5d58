"""What a comparison found: scores, intervals, curves, a table and sentences, all computed from the records of the runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, StorageError, listing, nearest
from neurosim.learning.comparing.files import write_csv, write_json
from neurosim.learning.comparing.statistics import Interval, interval, paired

#: share of the way from chance to the best score that is the usual target
NEAR = 0.95
#: what a mark of a curve holds beside cosines
_MARK = ("epoch", "cpu_seconds", "wall_seconds", "test", "train")


@dataclass(frozen=True, eq=False)
class Curve:
    """How a learner's score rose, over its runs; m marks.

    A run that stopped early keeps its last score.

    Attributes:
        epoch: (m,); NaN for a learner that is fitted at once, which has one mark.
        test, low, high: mean score on the samples for the test, and its interval, (m,).
        train: mean score on the samples for learning, (m,).
        cpu_seconds, wall_seconds: mean time of learning until then, (m,).
        cosines: mean cosine with backpropagation, (m, layers); no layers where they cannot be compared.
    """

    epoch: np.ndarray
    test: np.ndarray
    low: np.ndarray
    high: np.ndarray
    train: np.ndarray
    cpu_seconds: np.ndarray
    wall_seconds: np.ndarray
    cosines: np.ndarray


@dataclass(eq=False)
class Comparison:
    """Learners side by side on the same splits with the same seeds.

    Attributes:
        data: name, task ("classes" or "numbers"), samples, features, classes, chance (score without learning), fingerprint.
        plan: seeds, folds, test_share, split, scale, and overlap, the q of `statistics`.
        learners: label to class, parameters and epochs.
        records: of all runs, as `measuring.measure` returns them.
        confidence: of all intervals.
        target: score whose epochs and seconds are asked for; None: 95 % of the way from chance to the best mean score.
        versions: of neurosim, NumPy, scikit-learn and Python.
        command: what was asked for, in words.
    """

    data: dict[str, Any]
    plan: dict[str, Any]
    learners: dict[str, dict[str, Any]]
    records: list[dict[str, Any]]
    confidence: float = 0.95
    target: float | None = None
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""

    def __post_init__(self) -> None:
        if self.target is None:
            self.target = self.usual_target()

    def usual_target(self) -> float:
        """Return the score `NEAR` of the way from chance to the best mean score; NaN if none is better than chance."""
        best = max((self.interval(name).mean for name in self.learners if self.interval(name).count), default=float("nan"))
        if not best > self.data["chance"]:
            return float("nan")
        return float(self.data["chance"] + NEAR * (best - self.data["chance"]))

    @property
    def numbers(self) -> bool:
        """Whether the answers are numbers; scores are then R^2, else shares of right answers."""
        return self.data["task"] == "numbers"

    def runs(self, learner: str) -> list[dict[str, Any]]:
        """Return the records of a learner, in the same order of runs for each.

        Raises:
            ParameterError: it did not take part.
        """
        if learner not in self.learners:
            raise ParameterError(f"No learner {learner!r} took part.{nearest(learner, self.learners)} Those who did: "
                                 f"{listing(self.learners)}.")
        return [r for r in self.records if r["learner"] == learner]

    def scores(self, learner: str) -> np.ndarray:
        """Return the score on the samples for the test of each run; NaN where it failed."""
        return np.array([np.nan if r["failed"] or r["score"] is None else r["score"] for r in self.runs(learner)])

    def interval(self, learner: str) -> Interval:
        """Return mean score and interval of a learner."""
        return interval(self.scores(learner), self.plan["overlap"], self.confidence)

    def difference(self, learner: str, base: str | None = None) -> Interval:
        """Return mean and interval of the score minus that of another learner in the same run; None: of the first one."""
        base = next(iter(self.learners)) if base is None else base
        return paired(self.scores(learner), self.scores(base), self.plan["overlap"], self.confidence)

    def curve(self, learner: str) -> Curve:
        """Return how the score of a learner rose; empty arrays if all runs failed before the first mark."""
        own = [r["curve"] for r in self.runs(learner) if r["curve"]["epoch"]]
        if not own:
            empty = np.empty(0)
            return Curve(empty, empty, empty, empty, empty, empty, empty, np.empty((0, 0)))
        longest = max(own, key=lambda c: len(c["epoch"]))
        m = len(longest["epoch"])
        held = {name: np.array([(c[name] + c[name][-1:] * m)[:m] for c in own], dtype=float)
                for name in ("test", "train", "cpu_seconds", "wall_seconds")}
        around = [interval(column, self.plan["overlap"], self.confidence) for column in held["test"].T]
        return Curve(np.array(longest["epoch"], dtype=float), *(np.array([getattr(i, name) for i in around])
                                                               for name in ("mean", "low", "high")),
                     held["train"].mean(axis=0), held["cpu_seconds"].mean(axis=0), held["wall_seconds"].mean(axis=0),
                     _mean_cosines(own, m))

    def reached(self, learner: str) -> list[tuple[float, float] | None]:
        """Return for each run the epoch and the CPU seconds at which its score first was the target or better; None for never.

        Scores are taken at marks, of which there are about 25; a learner fitted at once has epoch NaN.
        """
        found: list[tuple[float, float] | None] = []
        for record in self.runs(learner):
            curve = record["curve"]
            at = next((k for k, s in enumerate(curve["test"]) if s is not None and s >= self.target), None)
            epoch = None if at is None else curve["epoch"][at]
            found.append(None if at is None else (np.nan if epoch is None else float(epoch), float(curve["cpu_seconds"][at])))
        return found

    def table(self) -> list[dict[str, Any]]:
        """Return one row for each learner.

            learner, runs, failed, diverged                  counts of runs
            score, low, high, train_score                    means and interval
            difference, difference_low, difference_high      to the first learner, in pairs
            decided                                          whether 0 lies outside of that interval
            epochs                                           mean of a run
            cpu_seconds, wall_seconds                        medians of a run
            target, reached                                  score asked for, and how many runs reached it
            epochs_to_target, cpu_seconds_to_target          medians over all runs; None if half of them did not
            cosine_1, cosine_2, ...                          with backpropagation after the last epoch, from the data on
            spikes, noise_0.5, ...                           means of what else was measured, see `measures`
            local, needs, phases, spiking                    what the rule asks of a brain, see `Traits`; None if not known
        """
        depth = max((self.curve(name).cosines.shape[1] for name in self.learners), default=0)
        return [self._row(name, depth) for name in self.learners]

    def _row(self, name: str, depth: int) -> dict[str, Any]:
        runs, own, other, curve = self.runs(name), self.interval(name), self.difference(name), self.curve(name)
        first = name == next(iter(self.learners))
        at = self.reached(name)
        hits = np.array([(np.inf, np.inf) if a is None else a for a in at]).reshape(-1, 2)
        to_epoch, to_seconds = (_median(hits[:, k]) for k in range(2))
        last = curve.cosines[-1] if len(curve.cosines) else np.empty(0)
        train = [r["train_score"] for r in runs if not r["failed"] and r["train_score"] is not None]
        epochs = [r["epochs"] for r in runs if r["epochs"] is not None]
        return {"learner": name, "runs": len(runs), "failed": sum(bool(r["failed"]) for r in runs),
                "diverged": sum(bool(r["diverged"]) for r in runs),
                "score": own.mean, "low": own.low, "high": own.high, "train_score": float(np.mean(train)) if train else None,
                "difference": None if first else other.mean, "difference_low": None if first else other.low,
                "difference_high": None if first else other.high, "decided": None if first else other.decided,
                "epochs": float(np.mean(epochs)) if epochs else None,
                "cpu_seconds": _median(np.array([r["cpu_seconds"] for r in runs])),
                "wall_seconds": _median(np.array([r["wall_seconds"] for r in runs])),
                "target": self.target, "reached": sum(a is not None for a in at),
                "epochs_to_target": to_epoch, "cpu_seconds_to_target": to_seconds,
                **{f"cosine_{k + 1}": float(last[k]) if k < len(last) else None for k in range(depth)},
                **{n: i.mean if (i := self.measured(name, n)).count else None for n in self.measures()},
                **{n: self.traits(name).get(n) for n in ("local", "needs", "phases", "spiking")}}

    def measures(self) -> list[str]:
        """Return the names of the numbers that were measured beside the score, such as "spikes" or "noise_0.5"."""
        return list(dict.fromkeys(name for r in self.records for name in r.get("measured", ())))

    def measured(self, learner: str, name: str) -> Interval:
        """Return mean and interval of such a number; its count is 0 for a learner that has it not."""
        own = [r.get("measured", {}).get(name) for r in self.runs(learner)]
        return interval([np.nan if v is None else v for v in own], self.plan["overlap"], self.confidence)

    def traits(self, learner: str) -> dict[str, Any]:
        """Return what the learner's rule asks of a brain, see `learners.traits.Traits`; empty where nothing is known of it."""
        return self.learners[learner].get("traits", {})

    def summary(self) -> str:
        """Return what was found, in plain sentences computed from the numbers."""
        from neurosim.learning.comparing.sentences import sentences

        return "\n".join(sentences(self))

    def save(self, folder: str | PathLike[str]) -> list[Path]:
        """Write comparison.csv (a row for each learner), curves.csv (each mark of each run) and comparison.json (everything).

        Raises:
            StorageError: they cannot be written.
        """
        place = Path(folder).expanduser()
        whole = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "records"}
        table = self.table()
        cosines = [name for name in table[0] if name.startswith("cosine_")]
        return [write_csv(place / "comparison.csv", list(table[0]), table),
                write_csv(place / "curves.csv", ["learner", "seed", "fold", *_MARK, *cosines], self._marks(cosines)),
                write_json(place / "comparison.json", {**whole, "table": table, "summary": self.summary().splitlines(),
                                                       "records": self.records})]

    def _marks(self, cosines: list[str]) -> list[dict[str, Any]]:
        rows = []
        for r in self.records:
            c = r["curve"]
            for k in range(len(c["epoch"])):
                layers = dict(zip(cosines, c["cosines"][k] or []))
                rows.append({**{name: r[name] for name in ("learner", "seed", "fold")}, **{name: c[name][k] for name in _MARK},
                             **{name: layers.get(name) for name in cosines}})
        return rows

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> Comparison:
        """Return what `save` wrote to a folder.

        Raises:
            StorageError: there is no comparison.json, or it is something else.
        """
        path = Path(folder).expanduser() / "comparison.json"
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{name: held[name] for name in cls.__dataclass_fields__})
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{path} is no saved comparison ({type(error).__name__}: {error}).") from None


def _mean_cosines(curves: list[dict[str, Any]], m: int) -> np.ndarray:
    # a layer that does not change in one run is left out of its mean
    depth = max((len(row) for c in curves for row in c["cosines"] if row), default=0)
    values = np.full((len(curves), m, depth), np.nan)
    for j, c in enumerate(curves):
        for k, row in enumerate(c["cosines"]):
            if row:
                values[j, k] = [np.nan if v is None else v for v in row]
    counts = (~np.isnan(values)).sum(axis=0)
    return np.where(counts > 0, np.nansum(values, axis=0) / np.maximum(counts, 1), np.nan)


def _median(values: np.ndarray) -> float | None:
    # never is later than any epoch; the median is the middle run's, or the later of the two
    middle = np.sort(values)[len(values) // 2] if len(values) and not np.isnan(values).any() else np.inf
    return float(middle) if np.isfinite(middle) else None
