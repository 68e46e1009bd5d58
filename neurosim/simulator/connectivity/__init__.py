"""Which neurons are connected: rules that turn a source and a target into connections."""

from neurosim.simulator.connectivity.bernoulli import Bernoulli
from neurosim.simulator.connectivity.distance import DistanceDependent
from neurosim.simulator.connectivity.explicit import Explicit
from neurosim.simulator.connectivity.fixed import FixedInDegree, FixedOutDegree, FixedTotalNumber
from neurosim.simulator.connectivity.graph import Graph
from neurosim.simulator.connectivity.matrix import Matrix
from neurosim.simulator.connectivity.regular import AllToAll, OneToOne
from neurosim.simulator.connectivity.rule import Edges, Rule, Side
from neurosim.simulator.connectivity.small_world import SmallWorld

__all__ = ["AllToAll", "Bernoulli", "DistanceDependent", "Edges", "Explicit", "FixedInDegree", "FixedOutDegree",
           "FixedTotalNumber", "Graph", "Matrix", "OneToOne", "Rule", "Side", "SmallWorld"]
