"""Drift of an integrator without input: the state creeps to the places where what is decoded, g(x), equals x.

Through a synapse of time constant tau the mean of the state obeys dx/dt = (g(x) - x)/tau.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import nef

tau, starts = 100.0, np.linspace(-0.9, 0.9, 10)                              # ms
objects, connections, probes = [], [], []
for start in starts:
    push = nef.Node(lambda t, start=start: start if t < 100 else 0.0)        # integrated over 100 ms: the value to keep
    state = nef.Ensemble(60, seed=11)                                        # the same neurons each time
    loop = nef.Connection(state, state, synapse=tau)
    objects += [push, state]
    connections += [nef.Connection(push, state, transform=tau/100, synapse=tau), loop]
    probes.append(nef.Probe(state, synapse=50))
result = nef.simulate(nef.Network(objects, connections, probes), duration=6000)

x = np.linspace(-1, 1, 801)
drift = 1000*((result.built[state].rates(x[:, None]) @ result.decoders(loop))[:, 0] - x)/tau
rest = np.flatnonzero((drift[:-1] > 0) & (drift[1:] <= 0))                    # from positive to negative: stable
fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.8, sharey=True, width_ratios=[2, 1])
for probe in probes:
    ns.plot.decoded(result[probe], ax=axes[0, 0], color=ns.plot.PALETTE[0])
axes[0, 1].plot(drift, x, color=ns.plot.PALETTE[1], lw=1.1)
axes[0, 1].axvline(0, color="black", lw=0.6)
axes[0, 1].plot(np.zeros(rest.size), x[rest], "ko", ms=4)
axes[0, 1].set(xlabel="Drift (1/s)", ylabel="", xlim=(-0.3, 0.3))
for place in x[rest]:
    axes[0, 0].axhline(place, color="black", lw=0.6, ls="--", zorder=1)
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "nef_integrator_drift.png")
