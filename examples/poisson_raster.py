"""Two populations under Poisson input: the one that gets more of it fires more, and both fire irregularly."""

import sys

import neurosim as ns

weak = ns.Population(80, ns.LIF(tau_m=20), name="weak drive")
strong = ns.Population(80, ns.LIF(tau_m=20), name="strong drive")
net = ns.Network([weak, strong], stimuli=[
    ns.PoissonInput(rate=1300, weight=0.5, target=weak),       # Hz for each neuron, mV
    ns.PoissonInput(rate=1700, weight=0.5, target=strong)])
result = ns.simulate(net, duration=1000, dt=0.1, seed=7)

axes = ns.plot.raster(result, bin=10)
ns.plot.save(axes, sys.argv[1] if len(sys.argv) > 1 else "poisson_raster.png")
