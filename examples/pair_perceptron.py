"""The perceptron, and its neural twin: the delta rule on a spiking neuron.

    perceptron    w <- w + y x               at a mistake
    delta rule    dw/dt = eta (r* - r) x     r: rate of a LIF neuron driven by w.x, r*: the rate it should have

Between classes with a narrow gap there is little room for a line, so both end with about the same one.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim.learning.rules.margin import perceptron

rng, epochs, shown, top = np.random.default_rng(2), 20, 100.0, 100.0           # ms, Hz
x = rng.uniform(-1, 1, (400, 2))
x = x[abs(x @ [0.6, 0.8] - 0.1) > 0.06][:200]
y, x = np.sign(x @ [0.6, 0.8] - 0.1), np.c_[x, np.ones(len(x))]                # a third input, always 1, for the threshold
w, mistakes = perceptron(x, y)

line = ns.NeuronModel.from_equations("y = i", inputs=["i"], name="line")
cell = ns.NeuronModel.from_equations(                                          # without input it fires at half the top rate
    "dv/dt = (1.431 + i - v)/tau_m (unless refractory)\ndr/dt = -r/tau_r\na = eta*(wanted - r)", threshold="v > 1",
    reset="v = 0; r += 1000/tau_r", refractory="t_ref", inputs=["i", "wanted"], name="cell",
    parameters=dict(tau_m=10.0, t_ref=8.0, tau_r=30.0, eta=1e-5))
inputs, neuron = ns.Population(3, line, name="inputs"), ns.Population(1, cell, name="neuron")
link = ns.GradedProjection(inputs, neuron, ns.AllToAll(), 0.0, variable="y", input="i",
                           learning=ns.RankOne(inputs, "y", neuron, "a"))
lessons = [ns.TimedArray(np.tile(x, (epochs, 1)), shown, target=inputs),
           ns.TimedArray(np.tile(top*(y > 0), epochs), shown, target=neuron, input="wanted")]
result = ns.simulate(ns.Network([inputs, neuron], [link], lessons), y.size*epochs*shown, dt=1.0)
counts = np.histogram(result.spikes["neuron"].times, y.size*epochs, (0, result.duration))[0].reshape(epochs, -1)
wrong = ((counts > top*shown/2000) != (y > 0)).sum(axis=1)

fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.8, width_ratios=[2, 3])
axes[0, 0].scatter(*x[:, :2].T, s=6, marker="o", linewidths=0.6, edgecolors="0.4", c=np.where(y > 0, "0.4", "white"))
twins = [("perceptron", "o-", w, mistakes), ("LIF neuron", "s--", result.connections["inputs->neuron"].weight, wrong)]
for name, look, (a, b, c), course in twins:
    axes[0, 0].plot([-1, 1], [(a - c)/b, -(a + c)/b], look[1:], label=name)
    axes[0, 1].plot(np.arange(len(course)) + 1, course, look, ms=3, label=name)
axes[0, 0].set(xlabel="Input 1", ylabel="Input 2", xlim=(-1, 1), ylim=(-1, 1.6), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
axes[0, 1].set(xlabel="Epoch", ylabel=f"Mistakes among {y.size} samples", xticks=range(0, epochs + 1, 5), ylim=(0, None))
axes[0, 0].legend(frameon=False, fontsize=7)
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "pair_perceptron.png")
