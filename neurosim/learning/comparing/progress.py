"""A progress bar of runs."""

from __future__ import annotations

import sys

from neurosim.config import settings


class RunBar:
    """Shows how many runs are done; nothing when standard error is no terminal.

    Args:
        total: how many there are.
        wanted: True, False, or None for the setting of the process and else a terminal.
    """

    def __init__(self, total: int, wanted: bool | None = None):
        if wanted is None:
            wanted = settings.progress
        self.bar = None
        if sys.stderr.isatty() if wanted is None else wanted:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            columns = (TextColumn("comparing"), BarColumn(), TextColumn("run {task.completed}/{task.total}"),
                       TextColumn("{task.description}"), TimeElapsedColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, console=Console(stderr=True, force_terminal=wanted or None), transient=True)
            self.task = self.bar.add_task("", total=total)

    def done(self, learner: str) -> None:
        """Show that a run of a learner is done."""
        if self.bar is not None:
            self.bar.update(self.task, advance=1, description=learner)

    def __enter__(self) -> RunBar:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.stop()
