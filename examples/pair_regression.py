"""Logistic regression and Adaline, and their neural twin: PES, on line in spiking neurons.

    logistic     P(y = 1 | x) = 1/(1 + exp(-(b + w x))),  by Newton's method
    Adaline      d <- d + eta/n (y - a.d) a               a: rates of n LIF neurons that see x
    PES          dd/dt = kappa/n (y - a.d) a              the same, with the spikes of the neurons, while they come

All see the same tosses y = -1 or 1 and learn what to expect of y. Right: how far that is from least squares.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import nef

rng, shown, n, seconds = np.random.default_rng(1), 20, 80, 240                 # each toss is shown for 20 ms
x = rng.uniform(-1, 1, 1000*seconds//shown)
y = np.where(rng.random(x.size) < 1/(1 + np.exp(-1 - 5*x)), 1.0, -1.0)
sample, label = nef.Node(lambda t: x[min(int(t/shown), x.size - 1)]), nef.Node(lambda t: y[min(int(t/shown), x.size - 1)])
cells, error = nef.Ensemble(n, seed=3), nef.Node(size_in=1)
learnt = nef.Connection(cells, error, function=lambda v: 0*v, learning=nef.PES(2e-5), synapse=5)
links = [nef.Connection(sample, cells, synapse=None), nef.Connection(label, error, transform=-1, synapse=5), learnt,
         nef.Connection(error, learnt.error, synapse=None)]
look = nef.Probe(learnt, every=1000)
result = nef.simulate(nef.Network([sample, label, cells, error], links, [look]), 1000*seconds)
grid = np.linspace(-1, 1, 201)
a, seen = (result.built[cells].rates(points[:, None]) for points in (grid, x))
best = np.linalg.solve(seen.T @ seen + x.size*(0.1*seen.max())**2*np.eye(n), seen.T @ y)
by_adaline, b, z = [np.zeros(n)], np.zeros(2), np.c_[np.ones(x.size), x]
for rates, toss in zip(seen, y):
    by_adaline.append(by_adaline[-1] + 2e-5*shown/1000/n*(toss - rates @ by_adaline[-1])*rates)
for _ in range(10):
    p = 1/(1 + np.exp(-z @ b))
    b += np.linalg.solve((z.T*p*(1 - p)) @ z, z.T @ ((y + 1)/2 - p))
fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.6)
axes[0, 0].plot(x[:300], y[:300], "|", color="0.6", ms=5)
axes[0, 0].plot(grid, 2/(1 + np.exp(-b[0] - b[1]*grid)) - 1, color="black", ls="--", lw=1, label="logistic regression")
for name, course in (("Adaline", by_adaline[::1000//shown]), ("PES, spiking", result[look].values.reshape(-1, n))):
    axes[0, 0].plot(grid, a @ course[-1], label=name)
    axes[0, 1].plot([np.sqrt(np.mean((a @ (d - best))**2)) for d in course], label=name)
axes[0, 0].set(xlabel="x", ylabel="Expected y")
axes[0, 0].legend(frameon=False, fontsize=7)
axes[0, 1].set(xlabel="Time (s)", ylabel="Root mean square difference\nfrom least squares", ylim=(0, None))
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "pair_regression.png")
