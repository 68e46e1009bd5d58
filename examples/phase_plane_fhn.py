"""Phase plane of the FitzHugh-Nagumo model: nullclines, fixed point, and the paths of three neurons to the cycle."""

import sys

import neurosim as ns

current = 0.5
plane = ns.analysis.phase_plane(ns.FitzHughNagumo(), ranges={"v": (-2.5, 2.5), "w": (-1, 2)}, inputs={"i": current})

cells = ns.Population(3, ns.FitzHughNagumo(), name="cells", initial={"v": [-2.0, 0.5, 1.5], "w": [1.2, -0.6, 1.5]})
net = ns.Network([cells], stimuli=[ns.DC(current, target=cells)], probes=[ns.Probe(cells, "v"), ns.Probe(cells, "w")])
result = ns.simulate(net, duration=100, dt=0.05)

ax = ns.plot.phase_plane(plane, trajectories=zip(result.traces["v"], result.traces["w"]))
ns.plot.save(ax, sys.argv[1] if len(sys.argv) > 1 else "phase_plane_fhn.png")
