"""Phase plane of the FitzHugh-Nagumo model: nullclines, fixed point, and the paths of three neurons."""

import sys
from types import SimpleNamespace

import numpy as np

import neurosim as ns

cells = ns.Population(3, ns.FitzHughNagumo(), name="cells", initial={"v": [-2.0, 0.5, 1.5], "w": [1.2, -0.6, 1.5]})
net = ns.Network([cells], stimuli=[ns.DC(0.5, target=cells)], probes=[ns.Probe(cells, "v"), ns.Probe(cells, "w")])
result = ns.simulate(net, duration=100, dt=0.05)

p = cells.model.parameters
x, y = np.linspace(-2.5, 2.5, 201), np.linspace(-1, 2, 201)
v, w = np.meshgrid(x, y)
dv, dw = v - v**3/3 - w + 0.5, (v + p["a"] - p["b"]*w)/p["tau"]
roots = np.roots([-p["b"]/3, 0, p["b"] - 1, 0.5*p["b"] - p["a"]])
rest = float(roots[np.abs(roots.imag) < 1e-9].real[0])         # where both nullclines meet; unstable at this current
fixed = SimpleNamespace(x=rest, y=(rest + p["a"])/p["b"], kind="unstable focus", stable=False)
plane = SimpleNamespace(x=x, y=y, dx=dv, dy=dw, x_name="v", y_name="w", fixed_points=[fixed])

paths = zip(result.traces["v"], result.traces["w"])
ax = ns.plot.phase_plane(plane, trajectories=paths)
ns.plot.save(ax, sys.argv[1] if len(sys.argv) > 1 else "phase_plane_fhn.png")
