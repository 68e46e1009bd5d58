"""One run: a learner learns, what it can do is measured on the way and at the end, and all of it becomes one plain record.

A measure is a function of `Trained`.  Those of `ON_THE_WAY` are called after chosen epochs, those of `AT_THE_END` once; what
they return, plain values, stands in the record under their name.  Those of `measures.MEASURES` that the plan asks for follow,
and their numbers stand under "measured".  Time counts learning alone, not measuring, nor what is only
done once in a process: before a run the learner is tried on a few samples, so that code is compiled and packages are imported.
A run computes on one thread; runs share the cores by `jobs`.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.learning.comparing.datasets import Dataset
from neurosim.learning.comparing.measures import MEASURES
from neurosim.learning.comparing.protocol import Job, scaling, split
from neurosim.learning.comparing.trained import Trained, afresh, score

#: about so many times the measures on the way are taken
MARKS = 25
#: samples on which changes of weights are compared with backpropagation
PROBE = 128
#: samples on which a learner is tried before time is taken
FEW = 32


def score_of_test(trained: Trained) -> float:
    """Return the score on the samples for the test."""
    return score(trained.learner, trained.x_test, trained.y_test)


def score_of_training(trained: Trained) -> float:
    """Return the score on the samples it learnt from."""
    return score(trained.learner, trained.x, trained.y)


def cosines(trained: Trained) -> list[float] | None:
    """Return for each layer the cosine between the learner's change of weights and minus the gradient of backpropagation.

    Both are of the probe's samples and of the present network; NaN for a layer that does not change; None for a learner whose
    changes cannot be compared.
    """
    if not hasattr(trained.learner, "layer_updates"):
        return None
    x, y = trained.x[trained.probe], trained.y[trained.probe]
    try:
        updates, gradients = trained.learner.layer_updates(x, y), trained.learner.layer_gradients(x, y)
    except ParameterError:
        return None
    return [_cosine(u, g) for u, g in zip(updates, gradients)]


def _cosine(a: Any, b: Any) -> float:
    a, b = np.ravel(np.asarray(a, dtype=float)), np.ravel(np.asarray(b, dtype=float))
    # scaled first: squares of tiny changes would vanish
    lengths = [np.abs(v).max(initial=0.0) for v in (a, b)]
    if not all(np.isfinite(n) and n > 0 for n in lengths):
        return float("nan")
    a, b = a / lengths[0], b / lengths[1]
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


ON_THE_WAY: dict[str, Callable[[Trained], Any]] = {"test": score_of_test, "train": score_of_training, "cosines": cosines}
AT_THE_END: dict[str, Callable[[Trained], Any]] = {"score": score_of_test, "train_score": score_of_training}


def marks(epochs: int) -> set[int]:
    """Return the epochs after which is measured, the first and the last among them."""
    return {int(k) for k in np.unique(np.round(np.linspace(1, epochs, min(epochs, MARKS))))}


def measure(job: Job, data: Dataset) -> dict[str, Any]:
    """Make a run and return its record, in plain values.

        learner, seed, fold, n_train, n_test, job      which run it is
        epochs, cpu_seconds, wall_seconds              of learning, all in all
        curve                                          {"epoch", "cpu_seconds", "wall_seconds", and the measures on the way}
        score, train_score                             the measures at the end; None if it failed
        measured                                       numbers by name, of the measures that the plan asks for
        diverged, failed, warnings                     what went wrong, in words, or None; and what was warned of

    What fails fails alone: the record then says so.  A learner that diverged is measured as it was before.
    """
    from threadpoolctl import threadpool_limits

    record = {"learner": job.entrant.label, "seed": job.seed, "fold": job.fold, "n_train": 0, "n_test": 0,
              "job": job.description(data), "epochs": 0, "cpu_seconds": 0.0, "wall_seconds": 0.0,
              "curve": {name: [] for name in ("epoch", "cpu_seconds", "wall_seconds", *ON_THE_WAY)},
              **dict.fromkeys(AT_THE_END), "measured": {}, "diverged": None, "failed": None, "warnings": []}
    with warnings.catch_warnings(record=True) as warned, np.errstate(all="ignore"), threadpool_limits(1):
        try:
            trained = _prepared(job, data, record)
            _warm_up(trained, job.entrant.epochs)
            warnings.simplefilter("always")
            _learn(trained, job.entrant.epochs, record)
            record.update({name: take(trained) for name, take in AT_THE_END.items()})
            if not np.isfinite(record["score"]):
                record["failed"] = f"its answers are not finite (score {record['score']})"
            else:
                _measure_more(trained, job.plan.measures, record)
        except Exception as error:
            record["failed"] = f"{type(error).__name__}: {_first_line(error)}"
    texts = [_first_line(w.message) for w in warned if not issubclass(w.category, (DeprecationWarning, FutureWarning))]
    record["warnings"] = list(dict.fromkeys(texts))[:5]
    return record


def _measure_more(trained: Trained, names: tuple[str, ...], record: dict[str, Any]) -> None:
    for name in names:
        # the score stands, whatever becomes of further numbers
        try:
            record["measured"].update(MEASURES[name](trained))
        except Exception as error:
            warnings.warn(f"{name} was not measured: {type(error).__name__}: {_first_line(error)}", RuntimeWarning,
                          stacklevel=2)


def _first_line(said: Any) -> str:
    return (str(said).strip().splitlines() or [""])[0]


def _prepared(job: Job, data: Dataset, record: dict[str, Any]) -> Trained:
    train, test = split(data, job.plan, job.seed, job.fold)
    record.update(n_train=len(train), n_test=len(test))
    own = scaling(data, train, job.plan.scale)
    # partial_fit of scikit-learn's estimators would draw the same order in every epoch from a number
    learner = afresh(job.entrant.estimator, np.random.RandomState(job.seed) if job.entrant.epochs else job.seed)
    probe = np.random.default_rng(job.seed).permutation(len(train))[:PROBE]
    return Trained(learner, own.samples(data.x[train]), own.answers(data.y[train]), own.samples(data.x[test]),
                   own.answers(data.y[test]), probe, job.seed, job.entrant.epochs)


def _warm_up(trained: Trained, epochs: int | None) -> None:
    from sklearn.base import clone

    few = np.unique(np.r_[np.unique(trained.y, return_index=True)[1][:FEW], np.arange(min(FEW, len(trained.y)))])
    learner = clone(trained.learner)
    warnings.simplefilter("ignore")
    # few samples may be too few; what is really wrong shows in the run itself
    with contextlib.suppress(Exception):
        if epochs is None:
            learner.fit(trained.x[few], trained.y[few])
        else:
            learner.partial_fit(trained.x[few], trained.y[few])
        learner.predict(trained.x[few])


def _learn(trained: Trained, epochs: int | None, record: dict[str, Any]) -> None:
    if epochs is None:
        _timed(record, lambda: trained.learner.fit(trained.x, trained.y))
        record["epochs"] = None
        _mark(trained, record)
    else:
        wanted = marks(epochs)
        extra = {"classes": np.unique(trained.y)} if trained.y.dtype.kind == "i" else {}
        for epoch in range(1, epochs + 1):
            _timed(record, lambda extra=extra: trained.learner.partial_fit(trained.x, trained.y, **extra))
            extra = {}
            stopped = getattr(trained.learner, "problem_", None)
            record["epochs"] = epoch
            if epoch in wanted or stopped:
                _mark(trained, record)
            if stopped:
                break
    record["diverged"] = getattr(trained.learner, "problem_", None)


def _timed(record: dict[str, Any], work: Callable[[], Any]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        work()
    finally:
        record["cpu_seconds"] += time.process_time() - cpu
        record["wall_seconds"] += time.perf_counter() - wall


def _mark(trained: Trained, record: dict[str, Any]) -> None:
    curve = record["curve"]
    found = {name: take(trained) for name, take in ON_THE_WAY.items()}
    for name, value in {"epoch": record["epochs"], "cpu_seconds": record["cpu_seconds"],
                        "wall_seconds": record["wall_seconds"], **found}.items():
        curve[name].append(value)
