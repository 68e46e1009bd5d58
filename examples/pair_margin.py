"""The support vector machine, and its neural twin: a readout of the widest margin from a spiking reservoir.

    minimise 1/2 a^T Q a - sum(a)   for 0 <= a <= C, y.a = 0,    Q_ij = y_i y_j K_ij

K is a Gaussian of the distance; for the twin, products of the filtered spikes of a random recurrent network, which gets the
points as currents. Lines: answers -1, 0, 1; circles: support vectors. Right: how far the answer is from the conditions of
Karush, Kuhn and Tucker, which only the best one meets.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim.learning.learners.liquid import LiquidStateClassifier
from neurosim.learning.rules.margin import widest_margin

rng, n = np.random.default_rng(0), 160
y, angle = np.where(np.arange(n) % 2, 1.0, -1.0), rng.uniform(0, np.pi, n)
x = np.c_[y*np.cos(angle) - y/2, y*np.sin(angle) - y/4] + 0.15*rng.standard_normal((n, 2))
across, up = np.meshgrid(*(np.linspace(low - 0.1, high + 0.1, 33) for low, high in zip(x.min(axis=0), x.max(axis=0))))
points = np.concatenate([x, np.c_[across.ravel(), up.ravel()]])

states = LiquidStateClassifier(200, random_state=1).fit(x, y).states(points).reshape(len(points), -1)
states -= states[:n].mean(axis=0)
kernels = {"Gaussian kernel": np.exp(-2*((points[:, None] - x)**2).sum(axis=2)),
           "Spiking reservoir": states @ states[:n].T/np.mean(states[:n]**2)/states.shape[1]}

fig, axes = ns.plot.figure(1, 3, width=7.2, height=2.4)
for ax, (name, k), color in zip(axes[0], kernels.items(), ns.plot.PALETTE):
    machine = widest_margin(k[:n], y, 10.0)
    answers = machine.decision(k[n:], y).reshape(across.shape)
    ax.contour(across, up, answers, [-1, 0, 1], colors=color, linewidths=[0.7, 1.4, 0.7], linestyles=["--", "-", "--"])
    ax.scatter(*x.T, s=6, marker="o", linewidths=0.5, edgecolors="0.4", c=np.where(y > 0, "0.4", "white"), zorder=3)
    ax.scatter(*x[machine.a > 1e-6].T, s=22, marker="o", linewidths=0.5, edgecolors="black", facecolors="none", zorder=3)
    ax.set_title(name, fontsize=7)
    ax.set(xlabel="Input 1", ylabel="Input 2")
    axes[0, 2].semilogy(np.arange(len(machine.residuals)) + 1, machine.residuals, "o-", ms=3, color=color, label=name)
axes[0, 2].set(xlabel="Step of the solver", ylabel="Largest violation of the conditions")
axes[0, 2].legend(frameon=False, fontsize=7)
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "pair_margin.png")
