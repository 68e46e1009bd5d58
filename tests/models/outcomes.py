"""One run of each published model, shared by all tests of a session."""

from __future__ import annotations

from functools import cache

from neurosim import published


@cache
def outcome(name: str) -> published.Outcome:
    """Return what the model gives with the parameters of its paper."""
    return published.load(name).run(progress=False)
