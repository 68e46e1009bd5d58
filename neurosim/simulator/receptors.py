"""What arrives at a population from other neurons: its receptors, and the rows of its ring buffer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neurosim.errors import NetworkError
from neurosim.model.calculus import ONE, add, mul
from neurosim.model.expression import Node, Op, Sym, substitute
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.population import Population, targets
from neurosim.simulator.projection import Link
from neurosim.simulator.synapses import Pulse, Receptor, Synapse

if TYPE_CHECKING:
    from neurosim.simulator.network import Network


@dataclass
class Arrivals:
    """All that the projections onto one population add to its model.

    Attributes:
        states: derivative by state of a receptor.
        inputs: current by input of the model.
        kicks: what is added to a state at the start of a step.
        values: constants of these expressions.
        signals: name of the signal for each row of the ring buffer.
        rows: row of the ring buffer by projection.
        entries: what an event of weight 1 adds, by state, for stimuli that act through a synapse.
        direct, graded: row of the ring buffer by state, and by input, that its content is added to.
        pulsed: the same by input, for pulses: content divided by dt.
    """

    states: dict[str, Node] = field(default_factory=dict)
    inputs: dict[str, Node] = field(default_factory=dict)
    kicks: dict[str, Node] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    signals: list[str] = field(default_factory=list)
    rows: dict[Link, int] = field(default_factory=dict)
    entries: dict[Any, dict[str, Node]] = field(default_factory=dict)
    direct: dict[str, int] = field(default_factory=dict)
    graded: dict[str, int] = field(default_factory=dict)
    pulsed: dict[str, int] = field(default_factory=dict)

    def row(self, state: str) -> int:
        """Return the row of the ring buffer whose content is added to a state; a new one if there is none."""
        if state not in self.direct:
            self.direct[state] = self.jump({state: ONE})
        return self.direct[state]

    def jump(self, jumps: dict[str, Node]) -> int:
        """Return a new row of the ring buffer whose content is added to states, times a factor each."""
        signal = Sym(f"_arrive{len(self.signals)}_")
        self.signals.append(signal.name)
        for state, factor in jumps.items():
            kick = mul(factor, signal)
            self.kicks[state] = add(self.kicks[state], kick) if state in self.kicks else kick
        return len(self.signals) - 1

    def add_current(self, where: str, current: Node) -> None:
        """Add a current to an input."""
        self.inputs[where] = add(self.inputs[where], current) if where in self.inputs else current

    def input_row(self, where: str) -> int:
        """Return the row of the ring buffer whose content is added to an input; a new one if there is none."""
        if where not in self.graded:
            self.graded[where] = len(self.signals)
            self.signals.append(f"_arrive{len(self.signals)}_")
            self.add_current(where, Sym(self.signals[-1]))
        return self.graded[where]


    def pulse_row(self, where: str) -> int:
        """Return the row of the ring buffer whose content, divided by dt, is added to an input; a new one if there is none."""
        if where not in self.pulsed:
            self.pulsed[where] = len(self.signals)
            self.signals.append(f"_arrive{len(self.signals)}_")
            self.add_current(where, Op("/", (Sym(self.signals[-1]), Sym("dt"))))
        return self.pulsed[where]


def gather(network: Network, population: Population) -> Arrivals:
    """Return what arrives at a population.

    Raises:
        NetworkError, ParameterError: for a synapse that does not fit the model of its target.
    """
    out = Arrivals()
    known: dict[tuple, str] = {}
    jumps: dict[tuple, int] = {}

    def receptor(synapse: Synapse, name: str) -> tuple[Receptor, str]:
        """Return a synapse in the terms of the population, and the start of the names of its states; new if not known."""
        found = synapse.receptor(population.model, population.size, name)
        if found.states and found.key not in known:
            # the user's names are told from ours by the leading underscore
            prefix = f"_{type(synapse).__name__.lower()}{len(known)}_"
            known[found.key] = prefix
            rename = {"potential": Sym(found.potential)} | {n: Sym(prefix + n) for n in (*found.states, *found.values)}
            out.states |= {prefix + n: substitute(node, rename) for n, node in found.states.items()}
            out.values |= {prefix + n: value for n, value in found.values.items()}
            if found.current is not None:
                out.add_current(found.input, substitute(found.current, rename))
        return found, known.get(found.key, "")

    def entry(found: Receptor, prefix: str) -> dict[str, Node]:
        """Return what a spike of weight 1 adds, by state."""
        rename = {n: Sym(prefix + n) for n in found.values}
        return {prefix + s: substitute(f, rename) for s, f in found.jumps.items()} or {prefix + found.target: ONE}

    for p in network.projections:
        if all(v.population is not population for v in p.targets):
            continue
        if isinstance(p, GradedProjection):
            out.rows[p] = out.input_row(p.wanted_input(population.model, network.name_of(p)))
            continue
        found, prefix = receptor(p.synapse, network.name_of(p))
        if found.key[0] == "pulse":
            out.rows[p] = out.pulse_row(found.input)
            continue
        for state in p.plasticity.delivers_to if p.plasticity is not None else ():
            out.row(state)
        if found.jumps:
            if found.key not in jumps:
                jumps[found.key] = out.jump(entry(found, prefix))
            out.rows[p] = jumps[found.key]
        else:
            out.rows[p] = out.row(prefix + found.target)
    for s in network.stimuli:
        synapse = getattr(s, "synapse", None)
        if isinstance(synapse, Pulse):
            raise NetworkError(f"{type(s).__name__}: events from outside act on states, not as pulses on an input: use "
                               "ns.Exponential or another synapse with states.")
        if synapse is not None and any(v.population is population for v in targets(s.target)):
            out.entries[s] = entry(*receptor(synapse, type(s).__name__))
    return out
