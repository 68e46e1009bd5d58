"""The passes over a tile in which a step with coefficients that depend on the state is made.

Exponential Euler of such equations is one long chain: exponentials of the state, rates, slopes, exponentials of the rates,
new state, spike.  A processor looks some 250 instructions ahead, which is not even the next vector of neurons, and so waits
for each link of the chain.  In three short passes it works at several vectors at once:

    early     functions of the state alone, such as exp(-(v + 65)/80)
    middle    everything else up to the slopes and the arguments z = dt df/dx; here the tile is looked at for large |z|
    late      the new state in its place, and who fires; for small |z| everywhere in the tile with half the work

What a later pass needs of an earlier one is kept in rows of scratch.  Measured on Hodgkin-Huxley neurons: see
docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from neurosim.codegen.plan import KEPT, Plan
from neurosim.codegen.text import VECTOR
from neurosim.model.expression import Node, Sym, calls, symbols

Line = tuple[str, Node, str]


@dataclass(frozen=True)
class Passes:
    """The lines of a step by pass.

    Attributes:
        early, middle, late: lines (name, value, comment); the late pass goes on with the new state.
        kept: row of scratch by name, for what passes hand on.
    """

    early: tuple[Line, ...]
    middle: tuple[Line, ...]
    late: tuple[Line, ...]
    kept: dict[str, int]


@lru_cache(maxsize=KEPT)
def passes(plan: Plan) -> Passes:
    """Return the passes of a plan; all lines are late if no coefficient depends on the state."""
    if not plan.small:
        return Passes((), (), plan.body, {})
    lines = {name: value for name, value, _ in plan.body}
    # functions of functions are left to the middle; sums and products on the way to a function are made again there
    nested: set[str] = set()
    early: set[str] = set()
    for name, value in lines.items():
        inner = symbols(value) & lines.keys()
        if inner & nested:
            nested.add(name)
        elif calls(value) & VECTOR:
            nested.add(name)
            early |= {name} | _behind(inner, lines)
    heads = early & nested
    first = tuple(line for line in plan.body if line[0] in early)
    middle = tuple(line for line in plan.body if line[0] not in heads)
    # a second name for the same number needs no row
    ends = _of(final(plan))
    late = tuple(line for line in middle if isinstance(line[1], Sym) and line[0] in ends)
    kept = (ends | _of(value for _, value, _ in late)) - {name for name, _, _ in late}
    kept |= _of(value for _, value, _ in middle) & heads
    return Passes(first, middle, late, {name: k for k, name in enumerate(n for n in lines if n in kept)})


def _behind(names: set[str], lines: dict[str, Node]) -> set[str]:
    """Return the lines that these are made of, themselves included."""
    found: set[str] = set()
    while names:
        found |= names
        names = _of(lines[n] for n in names) & lines.keys() - found
    return found


def final(plan: Plan) -> list[Node]:
    """Return the expressions of what ends a step: new state, published quantities, condition of a spike."""
    return [*plan.new.values(), *plan.published.values(), *((plan.fire, plan.before) if plan.fire is not None else ())]


def _of(nodes: Iterable[Node]) -> set[str]:
    return set().union(*(symbols(n) for n in nodes))
