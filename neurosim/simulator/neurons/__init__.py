"""Built-in neuron models: functions that return a `NeuronModel`, written as the equations of their papers.

`MODELS` has them by name, `ACTIVATIONS` the activation functions of graded units with their derivatives.
"""

from __future__ import annotations

from collections.abc import Callable

from neurosim.model.ir import NeuronModel
from neurosim.simulator.neurons.activation import ACTIVATIONS
from neurosim.simulator.neurons.adex import AdEx
from neurosim.simulator.neurons.expif import ExpIF
from neurosim.simulator.neurons.fitzhugh_nagumo import FitzHughNagumo
from neurosim.simulator.neurons.graded import Graded
from neurosim.simulator.neurons.hodgkin_huxley import HodgkinHuxley
from neurosim.simulator.neurons.izhikevich import Izhikevich
from neurosim.simulator.neurons.lif import LIF, DimensionlessLIF
from neurosim.simulator.neurons.morris_lecar import MorrisLecar
from neurosim.simulator.neurons.poisson import Poisson
from neurosim.simulator.neurons.qif import QIF
from neurosim.simulator.neurons.traub_miles import TraubMiles

#: factory by name
MODELS: dict[str, Callable[..., NeuronModel]] = {
    factory.__name__: factory
    for factory in (LIF, DimensionlessLIF, QIF, ExpIF, AdEx, Izhikevich, HodgkinHuxley, TraubMiles, MorrisLecar,
                    FitzHughNagumo, Poisson, Graded)
}

__all__ = ["ACTIVATIONS", "AdEx", "DimensionlessLIF", "ExpIF", "FitzHughNagumo", "Graded", "HodgkinHuxley", "Izhikevich",
           "LIF", "MODELS", "MorrisLecar", "Poisson", "QIF", "TraubMiles"]
