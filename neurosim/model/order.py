"""What depends on what within a model: order of derived quantities, spread of noise, held states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.errors import ModelError
from neurosim.model.draft import Draft, Line
from neurosim.model.expression import Node, substitute, symbols
from neurosim.model.noise import check_linear, is_noise


def sorted_derived(draft: Draft) -> list[Line]:
    """Return the derived quantities, each after those it uses; in the order of writing otherwise.

    Raises:
        ModelError: for a cycle, which is named.
    """
    lines = {line.name: line for line in draft.derived}
    needs = {name: [other for other in lines if other in symbols(line.node)] for name, line in lines.items()}
    return [lines[name] for name in _sorted(
        needs, f"{draft.name}: derived quantities depend on each other in a circle ({{cycle}}). "
               "Break it, for example by a differential equation d{name}/dt = ...")]


def check_initial_cycle(draft: Draft, initial: Mapping[str, Any], order: list[Line]) -> None:
    """Raise `ModelError` if initial values given as expressions need each other in a circle."""
    values = written_out(order)
    needs = {name: sorted(symbols(substitute(v, values)) & set(initial)) if isinstance(v, Node) else []
             for name, v in initial.items()}
    _sorted(needs, f"{draft.name}: initial values depend on each other in a circle ({{cycle}}). "
                   "Give one of them as a number.")


def _sorted(needs: Mapping[str, list[str]], message: str) -> list[str]:
    done: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            cycle = " -> ".join([*path[path.index(name):], name])
            raise ModelError(message.replace("{cycle}", cycle).replace("{name}", name))
        if name not in done:
            for other in needs[name]:
                visit(other, (*path, name))
            done[name] = None

    for name in needs:
        visit(name, ())
    return list(done)


def noisy_derived(draft: Draft, order: list[Line]) -> set[str]:
    """Return the derived quantities that hold white noise.

    Raises:
        ModelError: if noise enters anything other than linearly.
    """
    noisy: set[str] = set()
    for line in [*order, *draft.states]:
        sources = {n for n in symbols(line.node) if is_noise(n) or n in noisy}
        check_linear(line.node, sources, line.text, line.where)
        if sources and line.kind == "derived":
            noisy.add(line.name)
    return noisy


def held_states(draft: Draft, refractory: bool, order: list[Line]) -> set[str]:
    """Return the states that stand still while the neuron is refractory.

    Those flagged ``(unless refractory)``; with a refractory period and no flag, those that the threshold
    depends on and the reset assigns.
    """
    flagged = {line.name for line in draft.states if line.held}
    if flagged or not refractory:
        return flagged
    return symbols(substitute(draft.threshold[0], written_out(order))) & {r.target for r in draft.reset}


def written_out(order: list[Line]) -> dict[str, Node]:
    """Return the derived quantities as expressions of everything else."""
    values: dict[str, Node] = {}
    for line in order:
        values[line.name] = substitute(line.node, values)
    return values
