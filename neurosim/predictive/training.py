"""Training: minibatches, clamped at both ends, one change of the weights for each.

    v <- momentum v + dtheta - decay theta,   theta <- theta + rate v,   theta = M, beta, W (beta does not decay)
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import NumericalWarning, ParameterError
from neurosim.predictive.answers import infer
from neurosim.predictive.clamps import clamps
from neurosim.predictive.network import PredictiveNetwork
from neurosim.predictive.schedules import REST, changes

#: changes the parameters in place: (parameters, descent), two lists of arrays; descent is minus the gradient of F
Update = Callable[[list[np.ndarray], list[np.ndarray]], None]


@dataclass(frozen=True, eq=False)
class History:
    """The course of training, one value for each whole epoch.

    Attributes:
        loss: mean F before inference, with hidden layers as predicted; energy: mean F after inference.
        accuracy: share of the validation samples whose class is right, or None.
        seconds: time needed.
        problem: what stopped training, or None.
    """

    loss: np.ndarray
    energy: np.ndarray
    accuracy: np.ndarray | None
    seconds: np.ndarray
    problem: str | None


def train(net: PredictiveNetwork, data: Any, label: Any, *, epochs: int = 10, batch: int = 64, rate: float = 0.05,
          momentum: float = 0.9, decay: float = 0.0, schedule: str = REST, iterations: int | None = None,
          step: float | None = None, backtracking: bool | None = None, seed: int | None = 0,
          validation: tuple[Any, Any] | None = None, update: Update | None = None,
          each_epoch: Callable[[int], Any] | None = None) -> History:
    """Train a network in place.

    Args:
        net: the network.
        data: (rows, n_data); label: (rows, n_label) or class numbers (rows,).
        epochs: how often all samples are shown.
        batch: samples in a minibatch.
        rate: learning rate; momentum, decay: see above.
        schedule, iterations, step, backtracking: as for `changes`.
        seed: of the order of the samples, drawn anew in each epoch.
        validation: (data, label) to tell the share of right classes after every epoch, or None.
        update: what to do with (parameters, descent) instead of the rule above, such as a step of another optimiser.
        each_epoch: called with the number of each finished epoch; training stops if it returns True.

    Returns:
        The course of F.

    Raises:
        ParameterError: for shapes that do not fit and values out of range.

    Warns:
        NumericalWarning: if the weights grow without bound; the network is then as after the last good epoch.
    """
    held = clamps(net, data, label)
    bottom, top = held.bottom.values, held.top.values
    ends = {"data": bottom if net.data_end == 0 else top, "label": bottom if net.label_end == 0 else top}
    if data is None or label is None or not held.rows:
        raise ParameterError("train: samples with data and label are needed.")
    for name, value in (("epochs", epochs), ("batch", batch)):
        if not isinstance(value, (int, np.integer)) or value < (name == "batch"):
            raise ParameterError(f"train: {name} must be a positive integer, not {value!r}.")
    for name, value, most in (("rate", rate, np.inf), ("momentum", momentum, 1.0), ("decay", decay, np.inf)):
        if not (np.isscalar(value) and 0 <= value < most):
            raise ParameterError(f"train: {name} must be a number {'of at least 0' if most > 1 else 'in [0, 1)'}, not "
                                 f"{value!r}.")
    rng = np.random.default_rng(seed)
    update = _Momentum(net, rate, momentum, decay) if update is None else update
    courses: list[tuple] = []
    problem = None
    for epoch in range(epochs):
        kept = [p.copy() for p in net.parameters]
        begun, order, sums = time.perf_counter(), rng.permutation(held.rows), np.zeros(2)
        # what overflows is looked for at the end of the epoch
        with np.errstate(over="ignore", invalid="ignore"):
            for first in range(0, held.rows, batch):
                chosen = order[first:first + batch]
                found = changes(net, ends["data"][chosen], ends["label"][chosen], schedule, iterations=iterations,
                                step=step, backtracking=backtracking)
                update(net.parameters, found.arrays)
                sums += np.array([found.loss, found.energy])*len(chosen)
        problem = _problem(net, sums, epoch, rate)
        if problem:
            for p, old in zip(net.parameters, kept):
                p[...] = old
            warnings.warn(problem, NumericalWarning, stacklevel=2)
            break
        accuracy = np.nan if validation is None else _accuracy(net, *validation)
        courses.append((*sums/held.rows, accuracy, time.perf_counter() - begun))
        if each_epoch is not None and each_epoch(epoch):
            break
    table = np.array(courses).reshape(-1, 4).T
    return History(table[0], table[1], None if validation is None else table[2], table[3], problem)


class _Momentum:
    def __init__(self, net: PredictiveNetwork, rate: float, momentum: float, decay: float):
        self.rate, self.momentum = rate, momentum
        self.decay = [decay if p.ndim == 2 else 0.0 for p in net.parameters]
        self.speed = [np.zeros_like(p) for p in net.parameters]

    def __call__(self, parameters: Sequence[np.ndarray], descent: Sequence[np.ndarray]) -> None:
        for p, d, v, decay in zip(parameters, descent, self.speed, self.decay):
            v *= self.momentum
            v += d
            if decay:
                v -= decay*p
            p += self.rate*v


def _problem(net: PredictiveNetwork, sums: np.ndarray, epoch: int, rate: float) -> str | None:
    bad = [i for i in range(net.top) if not (np.isfinite(net.M[i]).all() and np.isfinite(net.beta[i]).all())]
    if not bad and np.isfinite(sums).all():
        return None
    where = f"the weights onto layer {bad[0]}" if bad else "F"
    return (f"train: {where} grew without bound in epoch {epoch} (counted from 0). The network is as after the epoch before. "
            f"Take a learning rate below {rate:g}, a shorter step of inference, or scale the data to about 1.")


def _accuracy(net: PredictiveNetwork, data: Any, label: Any) -> float:
    answer, label = infer(net, data), np.asarray(label)
    wanted = label if label.ndim == 1 else label.argmax(axis=1)
    return float((answer.argmax(axis=1) == wanted).mean()) if len(answer) else np.nan
