"""The perceptron, and its neural twin: the delta rule on a spiking neuron.

    perceptron    w <- w + y x               at a mistake
    delta rule    dw/dt = eta (r* - r) x     r: rate of a LIF neuron driven by w.x, r*: the rate it should have

Both learn from the same samples, in the same order. Where the gap between two classes is narrow there is little room for a
separating line, so both end with about the same one.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim.learning.rules.margin import perceptron

rng, epochs, shown = np.random.default_rng(2), 12, 100.0                      # ms
x = rng.uniform(-1, 1, (400, 2))
x = x[abs(x @ [0.6, 0.8] - 0.1) > 0.08][:150]
y, x = np.sign(x @ [0.6, 0.8] - 0.1), np.c_[x, np.ones(len(x))]
w, mistakes = perceptron(x, y)

line = ns.NeuronModel.from_equations("dx/dt = (i - x)/tau", inputs=["i"], parameters={"tau": 1.0}, name="line")
cell = ns.NeuronModel.from_equations(
    "dv/dt = (1 + i - v)/tau_m (unless refractory)\ndr/dt = -r/tau_r\na = eta*(wanted - r)", threshold="v > 1",
    reset="v = 0; r += 1000/tau_r", refractory="t_ref", inputs=["i", "wanted"], name="LIF",
    parameters=dict(tau_m=10.0, t_ref=8.0, tau_r=30.0, eta=2e-4))
inputs, neuron = ns.Population(3, line, name="inputs"), ns.Population(1, cell, name="neuron")
link = ns.GradedProjection(inputs, neuron, ns.AllToAll(), input="i", name="w", learning=ns.RankOne(inputs, "x", neuron, "a"), weight=0.0)
lessons = [ns.TimedArray(np.tile(x, (epochs, 1)), shown, target=inputs),
           ns.TimedArray(np.tile(np.where(y > 0, 100.0, 0.0), epochs), shown, target=neuron, input="wanted")]
result = ns.simulate(ns.Network([inputs, neuron], [link], lessons, [ns.Probe(link, "w", every=shown, name="w")]),
                     len(x)*epochs*shown, dt=1.0)
learnt = result.traces["w"].values
print(w, mistakes, learnt[-1], learnt[::150], np.degrees(np.arccos(learnt[-1,:2]@w[:2]/np.linalg.norm(learnt[-1,:2])/np.linalg.norm(w[:2]))))
wrong = [int((np.sign(x@learnt[k])!=y).sum()) for k in range(0,len(learnt),150)]
print(wrong, (np.sign(x@learnt[-1])!=y).sum())
