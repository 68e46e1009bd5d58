"""What an integrator works on: equations with their inputs filled in, and the lines it writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from neurosim.model.calculus import linear_system
from neurosim.model.expression import Call, Node, Sym, calls, substitute, symbols

T, DT = Sym("t"), Sym("dt")


@dataclass(frozen=True)
class System:
    """A system of stochastic differential equations, ready to be discretised.

    Attributes:
        drift: right-hand side by state, in order.
        derived: algebraic quantities in order of use; inputs, as sums of their stimuli, come first.
        noise: by state, pairs (normal variable of the step, coefficient g).
        held: states that stand still during refractoriness.
        ceiling: by state, the level at which a spike resets it; nothing above it belongs to the model.
        constants: names that keep their value during a run (parameters).
        texts: the equations as written, for comments.
    """

    drift: dict[str, Node]
    derived: tuple[tuple[str, Node], ...] = ()
    noise: dict[str, tuple[tuple[str, Node], ...]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    ceiling: dict[str, Node] = field(default_factory=dict)
    constants: frozenset[str] = frozenset()
    texts: dict[str, str] = field(default_factory=dict)

    def expanded(self, node: Node, only: str | None = None) -> Node:
        """Return `node` with derived quantities written out: all of them, or those that depend on `only`."""
        values: dict[str, Node] = {}
        for name, value in self.derived:
            value = substitute(value, values)
            if only is None or only in symbols(value):
                values[name] = value
        return substitute(node, values)

    def below_threshold(self, at: dict[str, Node]) -> dict[str, Node]:
        """Return a point with states limited to the level of their reset.

        Stages of a Runge-Kutta step can overshoot the threshold, where the upstroke of a spike (exp, v**2) would overflow.
        """
        return {n: Call("minimum", (v, self.ceiling[n])) if n in self.ceiling else v for n, v in at.items()}

    def linear(self):
        """Return (A, b) of the drift f = A x + b with constant A and with b free of `t`, or None."""
        drifts = {name: self.expanded(node) for name, node in self.drift.items()}
        found = linear_system(drifts)
        if found is None:
            return None
        matrix, offset = found
        if any(symbols(a) - self.constants or {"rand", "randn"} & calls(a) for row in matrix for a in row):
            return None
        return matrix, offset


@dataclass
class Lines:
    """Assignments in order: (name, expression, comment). Names stay unique."""

    taken: set[str]
    body: list[tuple[str, Node, str]] = field(default_factory=list)

    def add(self, name: str, value: Node, comment: str = "") -> Sym:
        """Append ``name = value`` and return the symbol, renamed if the name is taken."""
        name = self.unique(name)
        self.body.append((name, value, comment))
        return Sym(name)

    def unique(self, name: str) -> str:
        """Return the name, with underscores behind it while it is taken, and take it."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def slopes(self, system: System, at: dict[str, Node], time: Node, tag: str) -> dict[str, Node]:
        """Append the drift of every state at the given point and time; return its symbols."""
        env: dict[str, Node] = {**at, "t": time}
        needed: set[str] = set().union(*(symbols(d) for d in system.drift.values()))
        for name, value in reversed(system.derived):
            if name in needed:
                needed |= symbols(value)
        for name, value in system.derived:
            if name in needed:
                env[name] = self.add(f"{name}{tag}", substitute(value, env))
        return {name: self.add(f"{name}_slope{tag}", substitute(node, env), system.texts.get(name, ""))
                for name, node in system.drift.items()}
