"""A progress bar of epochs, on a terminal, for trainings that take a while."""

from __future__ import annotations

import sys
import time

from neurosim.config import settings


class EpochBar:
    """Shows how many epochs are done and the last loss; nothing before a second has passed, nothing when not on a terminal.

    Args:
        epochs: how many there will be.
        done: how many there were before.
        wanted: True, False, or None for the setting of the process and else a terminal.
    """

    def __init__(self, epochs: int, done: int = 0, wanted: bool | None = None):
        if wanted is None:
            wanted = settings.progress
        self.always = wanted is True
        self.wanted = sys.stderr.isatty() if wanted is None else wanted
        self.epochs, self.done, self.began, self.bar = epochs, done, time.perf_counter(), None

    def update(self, reached: float, loss: float) -> None:
        """Show that `reached` epochs (a fraction counts) are done, and the loss."""
        if not self.wanted:
            return
        if self.bar is None:
            if not self.always and time.perf_counter() - self.began < 1.0:
                return
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            columns = (TextColumn("training"), BarColumn(), TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
                       TextColumn("loss {task.fields[loss]:.4g}"), TimeElapsedColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, console=Console(stderr=True, force_terminal=self.always or None), transient=True)
            self.task = self.bar.add_task("", total=self.epochs, completed=self.done, loss=loss)
            self.bar.start()
        self.bar.update(self.task, completed=reached, loss=loss)

    def __enter__(self) -> EpochBar:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.stop()
