"""Networks of the NEF ready for use: functions that return a `nef.Network` whose ports are attributes.

    memory = networks.integrator(200)
    net = nef.Network([stimulus, memory], [nef.Connection(stimulus, memory.input, synapse=None)],
                      [nef.Probe(memory.output, synapse=10)])
"""

from __future__ import annotations

from neurosim.nef.networks.associative_memory import associative_memory, cleanup
from neurosim.nef.networks.basal_ganglia import basal_ganglia
from neurosim.nef.networks.channel import communication_channel
from neurosim.nef.networks.circular_convolution import circular_convolution
from neurosim.nef.networks.gated_integrator import controlled_integrator, gated_integrator
from neurosim.nef.networks.integrator import integrator
from neurosim.nef.networks.legendre_memory import legendre_memory, legendre_weights, lmu_matrices
from neurosim.nef.networks.lorenz import lorenz
from neurosim.nef.networks.oscillator import controlled_oscillator, oscillator
from neurosim.nef.networks.product import product
from neurosim.nef.networks.squaring import squaring
from neurosim.nef.networks.thalamus import thalamus
from neurosim.nef.networks.van_der_pol import van_der_pol
from neurosim.nef.networks.winner_take_all import winner_take_all

__all__ = ["associative_memory", "basal_ganglia", "circular_convolution", "cleanup", "communication_channel",
           "controlled_integrator", "controlled_oscillator", "gated_integrator", "integrator", "legendre_memory",
           "legendre_weights", "lmu_matrices", "lorenz", "oscillator", "product", "squaring", "thalamus", "van_der_pol",
           "winner_take_all"]
