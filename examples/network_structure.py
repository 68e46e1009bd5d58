"""Who is connected to whom: the diagram of a network, and the matrix of connections that fall off with distance."""

import sys

import numpy as np

import neurosim as ns

places = {"E": np.linspace(0, 1, 400, endpoint=False), "I": np.linspace(0, 1, 100, endpoint=False)}  # on a ring, in mm
exc, inh = (ns.Population(len(x), ns.LIF(), name=name, positions=x) for name, x in places.items())


def near(p, sigma):
    return ns.DistanceDependent("p*exp(-d**2/(2*sigma**2))", dict(p=p, sigma=sigma), periodic=1, autapses=False)


delay = ns.Uniform(1, 3)  # ms
net = ns.Network([exc, inh], projections=[
    ns.Projection(exc, exc, near(0.5, 0.05), ns.Exponential(0.01, tau_syn=5), delay=delay),  # nA
    ns.Projection(exc, inh, near(0.8, 0.10), ns.Exponential(0.02, tau_syn=5), delay=delay),
    ns.Projection(inh, exc, near(0.8, 0.15), ns.Exponential(-0.05, tau_syn=8), delay=delay),
    ns.Projection(inh, inh, ns.FixedInDegree(20, autapses=False), ns.Exponential(-0.05, tau_syn=8))])
made = ns.simulate(net, duration=0.1, seed=1).connections

fig, axes = ns.plot.figure(1, 2, width=7.2, height=3)
ns.plot.network_diagram(net, ax=axes[0, 0], strength=made,
                        captions={name: f"{len(c):,} connections" for name, c in made.items()})
ns.plot.connectivity_matrix(made["E->E"], ax=axes[0, 1], values="count")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "network_structure.png")
