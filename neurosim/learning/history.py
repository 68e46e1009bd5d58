"""What happened in a training."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass
class History:
    """The course of a training, one number for each epoch in each list.

    Attributes:
        loss: mean over the batches of the epoch, penalties not included.
        validation_loss, validation_metric: after the epoch; empty without validation or metric.
        metric: of the training batches, as they were met; empty without a metric.
        rate: learning rate at the end of the epoch.
        seconds: time of the epoch, validation included.
        gradient_norms: norm of the gradient in the last batch of the epoch, by parameter.
        best_epoch: number of the epoch of lowest validation loss, from 0; None without validation.
        stopped: "epochs" (all done), "early" (no more progress), "diverged", "interrupted" or "callback".
        problem: what went wrong, else None.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    validation_metric: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    gradient_norms: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    stopped: str = "epochs"
    problem: str | None = None

    @property
    def epochs(self) -> int:
        """Number of epochs that were completed."""
        return len(self.loss)

    @property
    def completed(self) -> bool:
        """Whether the training ended as planned: after all epochs, early for lack of progress, or as a callback said."""
        return self.stopped in ("epochs", "early", "callback")

    def cut(self, epochs: int) -> None:
        """Forget what comes after so many epochs."""
        for course in (self.loss, self.validation_loss, self.metric, self.validation_metric, self.rate, self.seconds,
                       *self.gradient_norms.values()):
            del course[epochs:]

    def seconds_to(self, loss: float) -> float:
        """Return the seconds until the validation loss (without validation: the loss) was at most `loss`; NaN if never."""
        course = np.asarray(self.validation_loss or self.loss)
        reached = np.flatnonzero(course <= loss)
        return float(np.sum(self.seconds[:reached[0] + 1])) if reached.size else float("nan")

    def to_json(self) -> str:
        """Return everything as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> History:
        """Return what `to_json` wrote."""
        return cls(**json.loads(text))
