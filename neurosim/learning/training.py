"""Training in minibatches: shuffled epochs, validation, early stopping, checkpoints, and a clear end when numbers explode.

What an epoch draws at random (order of samples, dropout) depends on the seed and the number of the epoch alone, so that a
training that was broken off and taken up again gives the same numbers as one that was not.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.blas import one_thread
from neurosim.errors import NumericalWarning, ParameterError
from neurosim.learning import checkpoints, faults
from neurosim.learning.descent import Descent
from neurosim.learning.history import History
from neurosim.learning.layers import whole
from neurosim.learning.models import Model
from neurosim.learning.optimisers import Adam, Optimiser
from neurosim.learning.passes import Loss, one_pass
from neurosim.learning.progress_bar import EpochBar

Metric = Callable[[Any, Any], float]


def train(model: Model, x: Any, t: Any, loss: Loss, optimiser: Optimiser | None = None, epochs: int = 10, batch: int = 64, *,
          validation: float | tuple[Any, Any] | None = None, patience: int | None = None, least: float = 0.0,
          metric: Metric | None = None, l1: float = 0.0, l2: float = 0.0, clip: float | None = None, seed: int = 0,
          checkpoint: str | PathLike[str] | None = None, every: int = 1, resume: bool = False, progress: bool | None = None,
          after_epoch: Callable[[int, History], bool | None] | None = None) -> History:
    """Change the parameters of `model` so that `loss` becomes small, and return the course of it.

    Args:
        model: made by `build`; changed in place.
        x: inputs, shape (n, ...).
        t: targets, n of them, as `loss` wants them.
        loss: function of outputs and targets, mean over samples; see `losses`.
        optimiser: description; None: Adam().
        epochs: passes over the data, those before a resumed one included.
        batch: samples of a step; the last one of an epoch may have fewer.
        validation: (inputs, targets), or the share of the samples, chosen by the seed, that is set aside.
        patience: stop after so many epochs without a validation loss lower than the lowest by more than `least`, and take the
            best model back; needs validation.
        metric: function of outputs and targets, such as `accuracy`, noted beside the loss.
        l1, l2, clip: see `Descent`.
        seed: of order, dropout and validation share.
        checkpoint: HDF5 file that is written after each `every` epochs, and at the end.
        resume: go on from `checkpoint` if that file is there.
        progress: show a bar; None: on a terminal.
        after_epoch: called with the number of the epoch and the history; training stops if it returns True.

    Returns:
        The history.  If numbers cease to be finite, training stops with a NumericalWarning that names epoch, layer and a
        remedy, and the model is what it was after the last whole epoch (with `patience`: the best one); on Ctrl-C likewise.

    Raises:
        ParameterError: data that are not finite or do not fit, or numbers out of range.
        StorageError: a checkpoint that cannot be written or belongs to another training.

    Warns:
        NumericalWarning: training stopped, or a spiking layer never or always fires after an epoch (told once).
    """
    optimiser = Adam() if optimiser is None else optimiser
    whole("train: epochs", epochs, 0)
    whole("train: batch", batch)
    whole("train: every", every)
    if patience is not None:
        whole("train: patience", patience)
        if validation is None:
            raise ParameterError("train: patience needs validation. Pass validation=0.1, or (inputs, targets).")
    if resume and checkpoint is None:
        raise ParameterError("train: resume needs checkpoint, the file to go on from.")
    x, t = _checked(model, x, t, "x", "t")
    held_out = None
    if isinstance(validation, tuple):
        held_out = _checked(model, *validation, "validation inputs", "validation targets")
    elif validation is not None:
        x, t, held_out = _set_aside(x, t, validation, seed)
    if not len(x):
        raise ParameterError("train: there are no samples. Pass samples in rows.")

    run = _Run(model, loss, Descent(model.parameters.values(), optimiser, l1, l2, clip), metric, batch, seed, History())
    setting = f"{optimiser}, batch {batch}, seed {seed}, {len(x)} samples, l1 {l1}, l2 {l2}, clip {clip}"
    if resume and Path(checkpoint).exists():
        run.take_up(checkpoint, setting)
    history = run.history
    safe, steps, written, told = model.arrays(), run.descent.steps, -1, False
    # a state of zeros takes no memory until an epoch has gone well
    state = {k: v.copy() if steps else np.zeros_like(v) for k, v in run.descent.state.items()}
    with EpochBar(epochs, history.epochs, progress) as bar:
        while history.epochs < epochs and not run.is_over(patience):
            began, number = time.perf_counter(), history.epochs
            try:
                # explosions are looked for
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                    run.epoch(x, t, number, bar)
                    run.judge(held_out, number, least)
            except KeyboardInterrupt:
                history.stopped, history.problem = "interrupted", f"Interrupted in epoch {number}."
            except faults.Explosion as explosion:
                history.stopped, history.problem = "diverged", explosion.told(number)
                warnings.warn(history.problem, NumericalWarning, stacklevel=2)
            if history.problem:
                history.cut(number)
                model.load(safe)
                run.descent.steps = steps
                for name, value in state.items():
                    run.descent.state[name][...] = value
                break
            history.seconds.append(time.perf_counter() - began)
            told = told or faults.told_of_activity(model, x[:batch], number)
            if history.epochs < epochs:
                # what the next epoch may spoil
                safe, steps = model.arrays(), run.descent.steps
                for name, value in run.descent.state.items():
                    state[name][...] = value
            if checkpoint is not None and history.epochs % every == 0:
                run.write(checkpoint, setting)
                written = history.epochs
            if after_epoch is not None and after_epoch(history.epochs - 1, history):
                history.stopped = "callback"
                break
    if history.stopped == "epochs" and run.is_over(patience) and history.epochs < epochs:
        history.stopped = "early"
    if checkpoint is not None and history.epochs != written:
        run.write(checkpoint, setting)
    if patience is not None and run.best:
        model.load(run.best)
    return history


@dataclass
class _Run:
    """A training under way."""

    model: Model
    loss: Loss
    descent: Descent
    metric: Metric | None
    batch: int
    seed: int
    history: History
    best: dict[str, np.ndarray] | None = None

    def epoch(self, x: np.ndarray, t: np.ndarray, number: int, bar: EpochBar) -> None:
        """Make the steps of an epoch."""
        order = np.random.default_rng([self.seed, number]).permutation(len(x))
        noise = np.random.default_rng([self.seed, number, 1])
        n, score = len(x), 0.0

        def seen(z: Var, goal: np.ndarray, mean: float, done: int) -> None:
            nonlocal score
            if self.metric is not None:
                score += self.metric(z, goal)*len(goal)
            if bar.wanted:
                bar.update(number + done/n, mean)

        parts = [order[k:k + self.batch] for k in range(0, n, self.batch)]
        with one_thread(self.model.largest_product(x, min(self.batch, n))):
            loss, rate = one_pass(self.model, self.loss, self.descent, x, t, parts, number, noise, seen)
        self.history.loss.append(loss)
        self.history.rate.append(rate)
        if self.metric is not None:
            self.history.metric.append(score/n)
        for name, norm in self.descent.norms().items():
            self.history.gradient_norms.setdefault(name, []).append(norm)

    def judge(self, held_out: tuple | None, number: int, least: float) -> None:
        """Note the validation loss, and the model if it is the best one."""
        if held_out is None:
            return
        value, score = evaluate(self.model, *held_out, self.loss, self.metric)
        if not math.isfinite(value):
            raise faults.explosion(self.model, held_out[0][:self.batch], value, self.descent.optimiser, None)
        self.history.validation_loss.append(value)
        if self.metric is not None:
            self.history.validation_metric.append(score)
        lowest = self.history.best_epoch
        if lowest is None or value < self.history.validation_loss[lowest] - least:
            self.history.best_epoch, self.best = number, self.model.arrays()

    def is_over(self, patience: int | None) -> bool:
        """Return whether `patience` epochs went by without progress."""
        best = self.history.best_epoch
        return patience is not None and best is not None and self.history.epochs - 1 - best >= patience

    def write(self, path: str | PathLike[str], setting: str) -> None:
        """Write a checkpoint."""
        checkpoints.write(checkpoints.Checkpoint(self.model.arrays(), checkpoints.described(self.model), self.descent.state,
                                                 self.best or {}, self.history, self.descent.steps, setting), path)

    def take_up(self, path: str | PathLike[str], setting: str) -> None:
        """Go on from a checkpoint."""
        held = checkpoints.read(path)
        checkpoints.demand_same(self.model, held, path)
        if held.setting != setting or held.optimiser.keys() != self.descent.state.keys():
            raise checkpoints.StorageError(f"{path} belongs to another training. There: {held.setting}. Here: {setting}. Use "
                                           "the same values, or leave resume out.")
        self.model.load(held.model)
        for name, value in held.optimiser.items():
            self.descent.state[name][...] = value
        self.descent.steps, self.history, self.best = held.steps, held.history, held.best or None
        self.history.stopped, self.history.problem = "epochs", None


def evaluate(model: Model, x: Any, t: Any, loss: Loss, metric: Metric | None = None, batch: int = 1024) -> tuple[float, float]:
    """Return loss and metric (NaN without one) of a model in use, means over samples.

    Args:
        model: made by `build`.
        x, t: inputs and targets.
        loss: function of outputs and targets.
        metric: function of outputs and targets, or None.
        batch: samples at a time.

    Raises:
        ParameterError: data that do not fit.
    """
    x, t = _checked(model, x, t, "x", "t")
    if not len(x):
        raise ParameterError("evaluate: there are no samples. Pass samples in rows.")
    total = score = 0.0
    with ad.no_grad():
        for k in range(0, len(x), batch):
            z, goal = model(x[k:k + batch]), t[k:k + batch]
            total += float(loss(z, goal).value)*len(goal)
            score += metric(z, goal)*len(goal) if metric is not None else math.nan
    return total/len(x), score/len(x)


def _checked(model: Model, x: Any, t: Any, of_x: str, of_t: str) -> tuple[np.ndarray, np.ndarray]:
    x, t = np.asarray(x), np.asarray(t)
    for name, values in ((of_x, x), (of_t, t)):
        if values.dtype.kind not in "fiub":
            raise ParameterError(f"{name}: must be numbers, not {values.dtype}. Encode them as numbers first.")
        if values.ndim == 0:
            raise ParameterError(f"{name}: is a single number. Pass samples in rows.")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
            raise ParameterError(f"{name}: NaN or infinity in row {row}. Remove such samples, or fill them in.")
    if len(x) != len(t):
        raise ParameterError(f"{of_x} and {of_t} have {len(x)} and {len(t)} rows; there must be one target for each sample.")
    # once for all batches, so that each of them is only a copy of some rows
    return model.as_inputs(x), t.astype(model.dtype) if t.dtype.kind == "f" and t.dtype != model.dtype else t


def _set_aside(x: np.ndarray, t: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray, tuple]:
    if not isinstance(share, (int, float)) or not 0 < share < 1:
        raise ParameterError(f"train: validation={share!r} must be (inputs, targets), or a share between 0 and 1.")
    n = round(share*len(x))
    if not 0 < n < len(x):
        raise ParameterError(f"train: validation={share} of {len(x)} samples is {n}; both parts need samples. Use another "
                             "share.")
    order = np.random.default_rng([seed, 2**32 - 1, 2]).permutation(len(x))
    return x[order[n:]], t[order[n:]], (x[order[:n]], t[order[:n]])
