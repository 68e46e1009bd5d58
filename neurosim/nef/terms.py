"""Signals and targets of a flattened network, and the paths between them; see flatten.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from neurosim.nef.building import Decoded
from neurosim.nef.connection import Connection
from neurosim.nef.ensemble import Ensemble
from neurosim.nef.filters import LinearFilter
from neurosim.nef.node import Node
from neurosim.nef.probe import Probe


@dataclass(frozen=True)
class Activity:
    """Activities of the neurons of an ensemble in Hz; a spike counts 1000/dt in its step."""

    ensemble: Ensemble

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.ensemble.n_neurons


@dataclass(frozen=True)
class NodeValue:
    """Output of a node."""

    node: Node

    @property
    def size(self) -> int:
        """size_out of the node."""
        return self.node.size_out


@dataclass(frozen=True, eq=False)
class Filter:
    """A filter of `size` numbers, each by itself.

    Attributes:
        synapse: filter; None: y_{k+1} = u_k.
        size: numbers.
        number: place in `Flat.filters`.
        place: what it stands at, a signal or a target, for messages.
    """

    synapse: LinearFilter | None
    size: int
    number: int
    place: Any = field(repr=False)


@dataclass(frozen=True)
class EnsembleInput:
    """x of an ensemble."""

    ensemble: Ensemble

    @property
    def size(self) -> int:
        """Dimensions."""
        return self.ensemble.dimensions


@dataclass(frozen=True)
class NeuronInput:
    """Input currents J of an ensemble."""

    ensemble: Ensemble

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.ensemble.n_neurons


@dataclass(frozen=True)
class FilterInput:
    """Input of a filter."""

    filter: Filter

    @property
    def size(self) -> int:
        """Numbers of the filter."""
        return self.filter.size


@dataclass(frozen=True)
class NodeInput:
    """x of a callback f(t, x)."""

    node: Node

    @property
    def size(self) -> int:
        """size_in of the node."""
        return self.node.size_in


@dataclass(frozen=True)
class ProbeInput:
    """What a probe of a value, or of rates, records."""

    probe: Probe

    @property
    def size(self) -> int:
        """Numbers recorded."""
        return self.probe.size


@dataclass(frozen=True)
class ErrorInput:
    """Error signal of a connection that learns."""

    connection: Connection

    @property
    def size(self) -> int:
        """size_out of the connection."""
        return self.connection.size_out


@dataclass(frozen=True)
class Relay:
    """A relay, as a source and as a target, before it is eliminated."""

    node: Node

    @property
    def size(self) -> int:
        return self.node.size_out


Signal = Decoded | Activity | NodeValue | Filter
Target = EnsembleInput | NeuronInput | FilterInput | NodeInput | ProbeInput | ErrorInput


@dataclass(frozen=True, eq=False)
class Term:
    """target += matrix signal.

    Attributes:
        target: what it is added to.
        signal: what is multiplied.
        matrix: shape (target.size, signal.size): a NumPy array, or in SciPy's CSR form where most of it is 0.
        connections: where it comes from.
    """

    target: Target
    signal: Signal
    matrix: Any
    connections: tuple[Any, ...] = ()


@dataclass
class Edge:
    """A path: target += matrix source, for the connections named."""

    source: Any
    matrix: Any
    target: Any
    connections: tuple[Any, ...]
