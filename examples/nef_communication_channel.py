"""Two populations of spiking neurons pass on a signal: spikes of the first, and what is decoded from the second."""

import sys

import numpy as np

import neurosim as ns
from neurosim import nef

signal = nef.Node(lambda t: np.sin(2*np.pi*t/400)*np.cos(2*np.pi*t/1000))     # time in ms
a, b = nef.Ensemble(100, name="a"), nef.Ensemble(100, name="b")
value = nef.Probe(b, synapse=10)
# the same filters as on the way through the neurons, so that the two can be compared
relay = nef.Node(size_in=1)
ideal = nef.Probe(relay, synapse=10)
net = nef.Network([signal, a, b, relay],
                  [nef.Connection(signal, a, synapse=None), nef.Connection(a, b, synapse=10),
                   nef.Connection(signal, relay, synapse=10)],
                  [value, ideal, nef.Probe(a.neurons)])
result = nef.simulate(net, duration=1000, seed=1)

built = result.built[a]                                                     # rows from "likes -1" to "likes +1"
order = np.argsort(built.encoders[:, 0]*(1.1 - built.intercepts))
fig, axes = ns.plot.figure(2, 1, width=5.0, height=4.0, sharex=True)
ns.plot.raster(result.spikes[a].select(order), ax=axes[0, 0])
ns.plot.decoded(result[value], ideal=result[ideal], ax=axes[1, 0])
axes[0, 0].set(xlabel="", ylabel="Neuron, by encoder")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "nef_communication_channel.png")
