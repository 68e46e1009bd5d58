"""A progress bar with the time left, on a terminal, for runs that take a while."""

from __future__ import annotations

import sys
import time

from neurosim.config import settings


class Progress:
    """Shows how far a run of `duration` ms is; nothing before a second has passed, nothing when not on a terminal.

    Args:
        duration: ms.
        wanted: True, False, or None for the setting of the process and else a terminal.
    """

    def __init__(self, duration: float, wanted: bool | None = None):
        if wanted is None:
            wanted = settings.progress
        self.always = wanted is True
        self.wanted = sys.stderr.isatty() if wanted is None else wanted
        self.duration, self.began, self.bar = duration, time.perf_counter(), None

    def update(self, reached: float) -> None:
        """Show that `reached` ms are done."""
        if not self.wanted:
            return
        if self.bar is None:
            if not self.always and time.perf_counter() - self.began < 1.0:
                return
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("simulating"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f} ms"),
                       TimeElapsedColumn(), TimeRemainingColumn())
            self.bar = Bar(*columns, console=Console(stderr=True, force_terminal=self.always or None), transient=True)
            self.task = self.bar.add_task("", total=self.duration)
            self.bar.start()
        self.bar.update(self.task, completed=reached)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.stop()
