"""Names of models on the command line: built-in neuron models and published models, with completion."""

from __future__ import annotations

from typing import Any

import click

from neurosim import published
from neurosim.errors import ParameterError, listing, nearest


def builtin() -> dict[str, Any]:
    """Return the function that makes a built-in neuron model, by name."""
    from neurosim.simulator.neurons import MODELS

    return dict(MODELS)


def unknown(name: str, extra: str = "") -> ParameterError:
    """Return the error for a name that is no model."""
    known = [*builtin(), *published.names()]
    return ParameterError(f"There is no model {name!r}.{nearest(name, known)} Built in: {listing(builtin())}. "
                          f"Published: {listing(published.names())}.{extra}")


class Model(click.ParamType):
    """Name of a built-in or published model; the shell completes it."""

    name = "model"

    def __init__(self, scripts: bool = False):
        self.scripts = scripts

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list:
        """Return what a name so far can become."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(n) for n in [*builtin(), *published.names()] if n.startswith(incomplete)]
        if self.scripts and not found:
            found.append(CompletionItem(incomplete, type="file"))
        return found
