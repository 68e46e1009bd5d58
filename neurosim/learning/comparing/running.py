"""The comparison itself: who takes part, what is run, one job after the other or on several cores."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.learning.comparing.cluster import KEPT, connect, on_cluster
from neurosim.learning.comparing.datasets import Dataset, dataset
from neurosim.learning.comparing.entrants import Entrant, entrants, usual_epochs
from neurosim.learning.comparing.files import Records, plain
from neurosim.learning.comparing.measures import chosen
from neurosim.learning.comparing.measuring import measure
from neurosim.learning.comparing.progress import RunBar
from neurosim.learning.comparing.protocol import Job, Plan, versions
from neurosim.learning.comparing.result import Comparison

if TYPE_CHECKING:
    from distributed import Client


def compare(
    data: Any,
    learners: Any = ("backprop", "predictive-coding"),
    *,
    seeds: int | Sequence[int] = 5,
    folds: int | None = None,
    test_share: float = 0.25,
    split: str = "fresh",
    scale: str | None = None,
    epochs: int | None = None,
    hidden: Any = None,
    settings: Mapping[str, Any] | None = None,
    task: str | None = None,
    label: str | int | None = None,
    header: bool | None = None,
    measures: str | Iterable[str] = (),
    target: float | None = None,
    confidence: float = 0.95,
    corrected: bool = True,
    jobs: int = 1,
    cluster: str | Client | None = None,
    records: str | PathLike[str] | None = None,
    resume: bool = False,
    progress: bool | None = None,
    command: str = "",
) -> Comparison:
    """Compare learners on the same data, with the same splits, seeds and scaling.

        found = neurosim.learning.compare("digits", ["backprop", "sklearn.svm.SVC(C=10)"], seeds=5)
        print(found.summary())

    A learner with partial_fit and max_iter is given the samples epoch by epoch and measured on the way; any other is fitted
    once.  Each run computes on one thread, so that seconds can be compared.

    Intervals are Student's t over runs.  With a fresh split for each seed they tell of the score on new samples, learnt from
    other samples of this number; as the samples for learning overlap, they are corrected after C. Nadeau and Y. Bengio (2003,
    doi:10.1023/A:1024068626366).  With split="fixed" they tell only how much the score depends on the learner's own random
    numbers, and nothing of other samples.

    Args:
        data: "digits", "breast-cancer", "wine", "iris", "moons", "diabetes", "friedman1"; the path of a CSV, NPZ or HDF5 file;
            or (X, y).
        learners: names of the catalogue, dotted paths of scikit-learn's estimators with literal arguments, estimators or
            classes; a dict gives labels.  The others are compared with the first one.
        seeds: how many (0, 1, 2 ...), or which.
        folds: parts into which each seed divides the samples; None for one split.
        test_share: share of the samples that is for the test, without folds.
        split: "fresh", each seed draws its own, or "fixed", that of the first seed for all.
        scale: "standard", "unit" (to 0..1) or "none", learnt from the samples for learning; None: "unit" where the range of
            the features is known (digits), else "standard".
        epochs: of all that learn in epochs, unless their own max_iter is set; None for 50, or more with less than
            1500 samples (at most 500): 50 passes over 112 samples of iris would be 100 steps; in proportion fewer for those
            whose own default is below 50.
        hidden: sizes of hidden layers of all that have them.
        settings: parameters by name: "backprop.learning_rate" for one learner, "batch_size" for all that have it.
        task, label, header: what the answers are, and where in a file; see `datasets.dataset`.
        measures: what else is measured when a learner has learnt: "cost", "robustness", "feedback", "labels", "usual" (all but
            labels, which learns three times more), "all"; see `comparing.measures`.
        target: score whose epochs and seconds are asked for; None: 95 % of the way from chance to the best mean score.
        confidence: of intervals.
        corrected: whether intervals allow for overlapping samples.
        jobs: runs at a time, each in a process of its own if there are several.
        cluster: address of the scheduler of a Dask cluster (``tcp://host:8786``), or a client of it, where the runs are made
            instead; the records are the same, but for seconds.
        records: folder for the record of each run as soon as it is finished.
        resume: whether finished runs in that folder are taken instead of made again.
        progress: whether a bar is shown; None: on a terminal.
        command: what was asked for, in words, for the files.

    Returns:
        A Comparison.  A run that fails or diverges is noted there and stops no other.

    Raises:
        ParameterError: unknown names, data that do not fit, impossible values.
        StorageError: a file that cannot be read or is something else.
        MissingPackageError: scikit-learn, or for a cluster Dask, is not installed.
        SimulationError: processes or workers that made runs are gone; finished runs stay in `records`.
    """
    arranged = arrange(data, learners, seeds=seeds, folds=folds, test_share=test_share, split=split, scale=scale, epochs=epochs,
                       hidden=hidden, settings=settings, task=task, label=label, header=header, measures=measures)
    return carry_out(arranged, target=target, confidence=confidence, corrected=corrected, jobs=jobs, cluster=cluster,
                     records=records, resume=resume, progress=progress, command=command)


class Arranged(NamedTuple):
    """A comparison that is ready to be carried out."""

    data: Dataset
    plan: Plan
    entrants: list[Entrant]


def arrange(data: Any, learners: Any, *, seeds: int | Sequence[int] = 5, folds: int | None = None, test_share: float = 0.25,
            split: str = "fresh", scale: str | None = None, epochs: int | None = None, hidden: Any = None,
            settings: Mapping[str, Any] | None = None, task: str | None = None, label: str | int | None = None,
            header: bool | None = None, measures: str | Iterable[str] = ()) -> Arranged:
    """Read the data and make the learners ready; arguments and errors as in `compare`."""
    # first, so that a missing scikit-learn is said with what to install
    from neurosim.estimators import BaseEstimator  # noqa: F401

    found = dataset(data, task=task, label=label, header=header)
    plan = Plan(_seeds(seeds), folds, test_share, split, scale or ("unit" if found.limits else "standard"), chosen(measures))
    plan.check(found)
    return Arranged(found, plan, entrants(learners, found.numbers, epochs=epochs, usual=usual_epochs(len(found.x)),
                                          hidden=hidden, settings=settings))


def carry_out(arranged: Arranged, *, target: float | None = None, confidence: float = 0.95, corrected: bool = True,
              jobs: int = 1, cluster: str | Client | None = None, records: str | PathLike[str] | None = None,
              resume: bool = False, progress: bool | None = None, command: str = "") -> Comparison:
    """Make all runs and return what was found; arguments and errors as in `compare`."""
    _check(confidence, jobs, target, resume, records)
    if not (cluster is None or isinstance(cluster, str) or hasattr(cluster, "submit")):
        raise ParameterError(f"cluster={cluster!r}: the address of a scheduler, such as 'tcp://10.0.0.1:8786', or a client of "
                             "distributed is needed.")
    if cluster is not None and jobs != 1:
        raise ParameterError(f"jobs={jobs} are processes on this computer, but the runs are to be made on a cluster. Leave one "
                             "of them out.")
    data, plan, who = arranged
    # learners take turns, so that what was finished before an interruption tells something of each
    todo = [Job(entrant, plan, seed, fold) for seed, fold in plan.runs() for entrant in who]
    made = _records(todo, data, jobs if cluster is None else cluster, Records(records) if records is not None else None, resume,
                    progress)
    learners = {e.label: {**e.description(), "traits": _traits(e)} for e in who}
    return Comparison(_about(data), {**plain(vars(plan)), "overlap": plan.overlap() if corrected else 0.0}, learners, made,
                      confidence, target, {**versions(), "python": platform.python_version()}, command)


def _seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    whole = list(seeds) if isinstance(seeds, Iterable) else [seeds]
    if any(isinstance(s, bool) or not isinstance(s, (int, np.integer)) for s in whole):
        raise ParameterError(f"seeds={seeds!r}: a whole number, or several, is needed.")
    return tuple(int(s) for s in (whole if isinstance(seeds, Iterable) else range(seeds)))


def _check(confidence: float, jobs: int, target: float | None, resume: bool, records: Any) -> None:
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence={confidence!r}: a number between 0 and 1 is needed, such as 0.95.")
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise ParameterError(f"jobs={jobs!r}: a whole number of at least 1 is needed.")
    if target is not None and not (isinstance(target, (int, float)) and target <= 1):
        raise ParameterError(f"target={target!r}: a score of at most 1 is needed (0.97 for 97 %).")
    if resume and records is None:
        raise ParameterError("resume=True needs records, the folder where finished runs are.")


def _records(todo: list[Job], data: Dataset, where: int | str | Client, kept: Records | None, resume: bool,
             progress: bool | None) -> list[dict[str, Any]]:
    keys = [job.key(data) for job in todo] if kept else []
    made: list[dict[str, Any] | None] = [kept.get(key) if kept and resume else None for key in keys] or [None] * len(todo)
    open_ = [k for k, record in enumerate(made) if record is None]
    with RunBar(len(open_), progress) as bar:
        for k, record in _run({k: todo[k] for k in open_}, data, where):
            made[k] = plain(record)
            if kept:
                kept.put(keys[k], made[k])
            bar.done(todo[k].entrant.label)
    # the same run may have gone by another label before
    return [{**record, "learner": job.entrant.label} for job, record in zip(todo, made) if record is not None]


def _run(jobs: dict[int, Job], data: Dataset, where: int | str | Client) -> Iterator[tuple[int, dict[str, Any]]]:
    """Make runs one after the other, in `where` processes, or on a cluster."""
    if not jobs or where == 1 or (isinstance(where, int) and len(jobs) == 1):
        for k, job in jobs.items():
            yield k, measure(job, data)
    elif isinstance(where, int):
        yield from _in_processes(jobs, data, where)
    elif isinstance(where, str):
        with connect(where) as client:
            yield from on_cluster(client, jobs, data)
    else:
        yield from on_cluster(where, jobs, data)


def _in_processes(jobs: dict[int, Job], data: Dataset, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        yield from Parallel(n_jobs=count, return_as="generator_unordered")(delayed(_placed)(k, job, data)
                                                                            for k, job in jobs.items())
    except TerminatedWorkerError as error:
        raise SimulationError("A process that made a run ended without an answer: often the memory was not enough. Use fewer "
                              f"jobs. {KEPT} ({error})") from None


def _placed(k: int, job: Job, data: Dataset) -> tuple[int, dict[str, Any]]:
    return k, measure(job, data)


def _traits(entrant: Entrant) -> dict[str, Any]:
    traits = getattr(entrant.estimator, "traits", None)
    return asdict(traits) if traits is not None else {}


def _about(data: Dataset) -> dict[str, Any]:
    chance = 0.0 if data.numbers else float(np.bincount(data.y).max() / len(data.y))
    return {"name": data.name, "task": "numbers" if data.numbers else "classes", "samples": len(data.y),
            "features": data.x.shape[1], "classes": list(data.classes), "chance": chance, "fingerprint": data.fingerprint}
