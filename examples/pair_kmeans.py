"""k-means, and its neural twin: spiking neurons of which the winner learns.

    k-means          c_k <- mean of the samples nearest to c_k
    winner-take-all  dw_k/dt = eta r_k (x - w_k)     r_k: rate of neuron k, driven by w_k.x; who fires silences the others

Samples lie on a sphere, where the nearest centre has the largest product. All begin at the same samples.
"""

import sys

import numpy as np

import neurosim as ns

rng, k, epochs, shown = np.random.default_rng(4), 5, 6, 50.0                   # ms: half of it light, half dark
flat = 0.55*np.stack([np.cos(a := 2*np.pi*np.arange(300)/k), np.sin(a)], axis=1) + 0.1*rng.standard_normal((300, 2))
x = rng.permutation(np.c_[flat, np.sqrt(1 - (flat**2).sum(axis=1))])
distances = lambda centres: ((x[:, None] - centres)**2).sum(axis=2)
by_means = [x[:k]]
for _ in range(epochs):
    own = distances(by_means[-1]).argmin(axis=1)
    by_means.append(np.array([x[own == j].mean(axis=0) for j in range(k)]))
line = ns.NeuronModel.from_equations("y = i", inputs=["i"], name="line")
cell = ns.NeuronModel.from_equations(
    "dv/dt = (20*maximum(i - 0.7, 0)*on - (1 + g)*v)/10 (unless refractory)\ndr/dt = -r/5\ndg/dt = -g/5\na = eta*r\nb = -eta*r",
    threshold="v > 1", reset="v = 0; r += 0.2; g = 0", refractory=2, inputs=["i", "on"], name="cell", parameters={"eta": 0.006})
inputs, cells = ns.Population(3, line, name="inputs"), ns.Population(k, cell, name="cells")
link = ns.GradedProjection(inputs, cells, ns.AllToAll(), x[:k].ravel(), variable="y", input="i",
                           learning=ns.RankOne(inputs, "y", cells, "a", "b"))
silence = ns.Projection(cells, cells, ns.AllToAll(autapses=False), ns.Delta(100.0, variable="g"))
lessons = [ns.TimedArray(np.tile(x, (epochs + 1, 1)), shown, target=inputs),
           ns.TimedArray(np.tile([1.0, 0.0], len(x)*epochs), shown/2, target=cells, input="on")]
net = ns.Network([inputs, cells], [link, silence], lessons, [ns.Probe(link, "w", every=10*shown, name="w")])
by_cells = ns.simulate(net, len(x)*epochs*shown + 1, dt=0.2).traces["w"].values.reshape(-1, 3, k).swapaxes(1, 2)

fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.8, width_ratios=[2, 3])
axes[0, 0].plot(*x[:, :2].T, ".", ms=2, color="0.7", zorder=0)
for color, name, course, style in zip(ns.plot.PALETTE, ("k-means", "LIF neurons"), (np.array(by_means), by_cells), ("o-", "-")):
    axes[0, 0].plot(*course[:, :, :2].transpose(2, 0, 1), style, ms=2.5, lw=0.9, color=color)
    axes[0, 1].plot(np.linspace(0, epochs, len(course)), [distances(centres).min(axis=1).mean() for centres in course], style,
                    ms=3, color=color, label=name)
axes[0, 0].set(xlabel="x", ylabel="y", aspect="equal")
axes[0, 1].set(xlabel="Epoch", ylabel="Mean square distance\nto the nearest centre", ylim=(0, None))
axes[0, 1].legend(frameon=False, fontsize=7)
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "pair_kmeans.png")
