"""White noise in an equation (xi, in ms**-0.5): the membrane potential spreads as the closed form says."""

import sys

import matplotlib
import numpy as np

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())

membrane = ns.NeuronModel.from_equations(
    "dv/dt = (e_l - v)/tau_m + sigma*sqrt(2/tau_m)*xi : mV",
    parameters=dict(e_l=-65.0, tau_m=20.0, sigma=3.0), initial={"v": -65.0}, units={"tau_m": "ms", "sigma": "mV"},
    name="noisy membrane")

cells = ns.Population(5000, membrane, name="cells")
net = ns.Network([cells], probes=[ns.Probe(cells, "v", every=1.0)])
result = ns.simulate(net, duration=100.1, dt=0.1, seed=1)

v = result.traces["v"]
theory = 3.0*np.sqrt(1 - np.exp(-2*v.times/20.0))              # mV, from a sharp start
fig, axes = ns.plot.figure(2, 1, width=5, height=3.6, sharex=True)
ns.plot.voltage(v, neurons=[0, 1, 2, 3], ax=axes[0, 0])
axes[1, 0].plot(v.times, v.values.std(axis=1), label="5000 neurons")
axes[1, 0].plot(v.times, theory, "k--", lw=0.8, label="closed form")
axes[1, 0].set(xlabel="Time (ms)", ylabel="Standard deviation (mV)")
axes[1, 0].legend(frameon=False)
axes[0, 0].set_xlabel("")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "white_noise_xi.png")
