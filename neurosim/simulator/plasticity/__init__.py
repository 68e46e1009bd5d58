"""Built-in rules of plasticity: functions that return a `PlasticityModel`, written as the equations of their papers.

`RULES` has them by name.
"""

from __future__ import annotations

from collections.abc import Callable

from neurosim.model.plasticity import PlasticityModel
from neurosim.simulator.plasticity.inhibitory import InhibitorySTDP
from neurosim.simulator.plasticity.rates import BCM, Oja
from neurosim.simulator.plasticity.reward import RewardSTDP
from neurosim.simulator.plasticity.short_term import ShortTerm
from neurosim.simulator.plasticity.stdp import STDP
from neurosim.simulator.plasticity.triplet import TripletSTDP

#: factory by name
RULES: dict[str, Callable[..., PlasticityModel]] = {
    factory.__name__: factory for factory in (STDP, TripletSTDP, InhibitorySTDP, ShortTerm, RewardSTDP, Oja, BCM)
}

__all__ = ["BCM", "InhibitorySTDP", "Oja", "RULES", "RewardSTDP", "STDP", "ShortTerm", "TripletSTDP"]
