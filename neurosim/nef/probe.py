"""Probes: what is recorded of a network of ensembles."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, ParameterError, listing, nearest
from neurosim.nef.connection import Adapts, Connection, as_synapse, decoded_size
from neurosim.nef.ensemble import Ensemble, EnsembleArray, Neurons
from neurosim.nef.node import Node
from neurosim.nef.parts import End, a_name, chosen, positive, whole
from neurosim.nef.solvers import L2


class Attribute(Enum):
    """What a probe records."""

    VALUE = "value"
    SPIKES = "spikes"
    V = "v"
    I = "i"  # noqa: E741 - the name of the input current in the models
    RATE = "rate"
    DECODERS = "decoders"
    ENCODERS = "encoders"
    WEIGHTS = "weights"


_OF_NEURONS = (Attribute.SPIKES, Attribute.V, Attribute.I, Attribute.RATE)
_LEARNED = {Adapts.DECODERS: Attribute.DECODERS, Adapts.ENCODERS: Attribute.ENCODERS, Adapts.WEIGHTS: Attribute.WEIGHTS}


@dataclass(frozen=True, eq=False)
class Probe:
    """Record something over time; sample k is the value at the time k every, at the start of that step.

    Args:
        target: ensemble, ensemble array or node, or a part of one: its (decoded) value; neurons of an ensemble; a connection
            that learns.
        attribute: of a value: ``value``.  Of neurons: ``spikes`` (default), ``v``, ``i`` (input current J), ``rate``
            (activity in Hz, through the synapse).  Of a connection: what its rule changes, ``decoders``, ``encoders`` or
            ``weights``.  Default: the first of these.
        synapse: filter of the recorded value, or ms; None: none.
        every: sampling interval in ms; None: every step.
        function: decode this from an ensemble, as in ``Connection``.
        solver: for the decoders of the probe.
        name: in results; None: that of the target, with the attribute where it is not the value.

    Raises:
        NetworkError: for a target that has nothing to record, an unknown attribute (with the nearest name).
        ParameterError: for every <= 0, a negative time constant, functions as in ``Connection``.
    """

    target: Any
    _: KW_ONLY
    attribute: Any = None
    synapse: Any = None
    every: float | None = None
    function: Any = None
    solver: Any = field(default_factory=L2)
    name: str | None = None

    def __post_init__(self):
        a_name(self.name, "Probe")
        put = lambda key, value: object.__setattr__(self, key, value)
        owner, part = whole(self.target) if isinstance(self.target, End) else (self.target, None)
        known = self._known(owner)
        put("attribute", self._checked_attribute(known, owner))
        put("source", owner)
        what = self.describe()
        if self.every is not None:
            put("every", positive(self.every, f"{what}: every", "ms"))
        put("synapse", as_synapse(self.synapse, what))
        if not callable(self.solver) or isinstance(self.solver, type):
            raise ParameterError(f"{what}: solver must be a solver such as nef.L2(), not {self.solver!r:.60}.")
        if self.synapse is not None and self.attribute not in (Attribute.VALUE, Attribute.RATE):
            raise NetworkError(f"{what}: {self.attribute.value} are recorded as they are; synapse= is for value and rate.")
        if isinstance(owner, Connection):
            put("indices", np.arange(0))
            return
        put("indices", chosen(part, owner.size_out))
        decodes = isinstance(owner, (Ensemble, EnsembleArray))
        if self.function is not None and not decodes:
            raise NetworkError(f"{what}: a function is decoded from an ensemble; {owner.describe()} has no decoders.")
        if self.function is not None and not callable(self.function):
            raise ParameterError(f"{what}: function must be a function of x, not {self.function!r:.60}.")
        put("size", decoded_size(self.function, owner, self.indices, None, what) if decodes else len(self.indices))

    def describe(self) -> str:
        """Return how messages call it."""
        target = self.target.describe() if isinstance(self.target, (End, Connection)) else repr(self.target)[:60]
        return f"Probe {self.name!r}" if self.name else f"Probe of {target}"

    def _known(self, owner: Any) -> tuple[Attribute, ...]:
        if isinstance(owner, Neurons):
            return _OF_NEURONS
        if isinstance(owner, Connection):
            if not owner.learning:
                raise NetworkError(f"A probe of {owner.describe()}: it has no learning rule, so that nothing changes; its "
                                   "decoders are in result.decoders.")
            return tuple(dict.fromkeys(_LEARNED[rule.adapts] for rule in owner.learning))
        if isinstance(owner, (Ensemble, EnsembleArray, Node)):
            if not owner.size_out:
                raise NetworkError(f"A probe of {owner.describe()}: it gives nothing, its size_out is 0.")
            return (Attribute.VALUE,)
        hint = f" Give one of its ports: {listing(owner.ports)}." if hasattr(owner, "ports") else ""
        raise NetworkError(f"A probe records ensembles, nodes, neurons of an ensemble or connections, not "
                           f"{type(owner).__name__} {repr(owner)[:60]}.{hint}")

    def _checked_attribute(self, known: tuple[Attribute, ...], owner: Any) -> Attribute:
        if self.attribute is None:
            return known[0]
        wanted = self.attribute.value if isinstance(self.attribute, Attribute) else self.attribute
        names = [a.value for a in known]
        if wanted not in names:
            hint = nearest(str(wanted), names)
            if isinstance(owner, Ensemble) and wanted in [a.value for a in _OF_NEURONS]:
                hint = f" That is recorded of its neurons: Probe(ensemble.neurons, attribute={wanted!r})."
            raise NetworkError(f"{self.describe()}: there is no attribute {wanted!r} to record.{hint} Known: {listing(names)}.")
        return Attribute(wanted)
