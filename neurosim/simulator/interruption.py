"""Ctrl-C during a run: noticed between two stretches, so that nothing recorded is ever left half-written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable


class Interruption:
    """Within the context, the first Ctrl-C is only noted; a second one interrupts at once, as usual.

    Python delivers signals to the main thread alone; in another thread this does nothing.
    """

    def __init__(self) -> None:
        self._noted = False

    def __enter__(self) -> Callable[[], bool]:
        self._active = threading.current_thread() is threading.main_thread()
        if self._active:
            self._before = signal.getsignal(signal.SIGINT)
            # a program that ignores or handles Ctrl-C by itself keeps its way
            self._active = self._before is signal.default_int_handler
        if self._active:
            signal.signal(signal.SIGINT, self._note)
        return lambda: self._noted

    def _note(self, number: int, frame: object) -> None:
        self._noted = True
        signal.signal(signal.SIGINT, self._before)

    def __exit__(self, *_: object) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)
