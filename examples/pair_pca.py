"""Principal component analysis, and its neural twins: the rules of Oja and of Sanger.

    Oja      dw/dt = eta y (x - y w),   y = w.x         a neuron of the engine, whose weights learn while it runs
    Sanger   dw_i/dt = eta y_i (x - sum_k<=i y_k w_k)   several neurons: the first component, the second, ...

Nobody gives the neurons the covariance: they see one sample after the other. eta falls like 1/t, so that angles go to zero.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim.learning.rules.subspace import principal_components, sanger, subspace_angle

rng, n, d, shown, every = np.random.default_rng(0), 10_000, 8, 2.0, 100        # ms for a sample; samples between two looks
x = (rng.standard_normal((n, d))*1.5**-np.arange(d)) @ np.linalg.qr(rng.standard_normal((d, d)))[0]
x -= x.mean(axis=0)
components, start = principal_components(x, 3)[0], rng.standard_normal((d, 3))/d

unit = ns.NeuronModel.from_equations("y = i", inputs=["i"], name="unit")
oja = ns.NeuronModel.from_equations("y = i\neta = eta_0/(1 + t/fall)\na = eta*y\nb = -eta*y*y", inputs=["i"], name="oja",
                                    parameters={"eta_0": 0.03/shown, "fall": 1000*shown})
inputs, neuron = ns.Population(d, unit, name="inputs"), ns.Population(1, oja, name="neuron")
link = ns.GradedProjection(inputs, neuron, ns.AllToAll(), start[:, 0], variable="y", immediate=True,
                           learning=ns.RankOne(inputs, "y", neuron, "a", "b"))
look = ns.Probe(link, "w", every=every*shown, name="w")
engine = ns.simulate(ns.Network([inputs, neuron], [link], [ns.TimedArray(x, shown, target=inputs)], [look]), n*shown, dt=1.0)
by_oja, by_sanger, seen = engine.traces["w"].values, [start], np.arange(0, n, every)
for k in seen[:-1]:
    by_sanger.append(sanger(x[k:k + every], by_sanger[-1], 0.03/(1 + k/1000)))

fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.8, width_ratios=[2, 3])
axes[0, 0].plot(*(x[::10] @ components[:, :2]).T, ".", ms=1.5, color="0.7", zorder=0)
axes[0, 0].plot(*(np.sign(by_oja[-1] @ components[:, 0])*by_oja @ components[:, :2]).T, ".-", lw=1, ms=3)
axes[0, 0].set(xlabel="Along component 1", ylabel="Along component 2", aspect="equal")
angles = [("Oja, on the engine", by_oja[:, :, None], 0), *((f"Sanger, neuron {i + 1}", by_sanger, i) for i in range(3))]
for style, (name, course, i) in zip(("-", "--", "-", "-"), angles):
    axes[0, 1].semilogy(seen, [subspace_angle(w[:, i:i + 1] if w.shape[1] > 1 else w, components[:, i:i + 1]) for w in course],
                        style, lw=2 if i == 0 and style == "-" else 1, label=name)
axes[0, 1].set(xlabel="Samples seen", ylabel="Angle to the component (degrees)")
axes[0, 1].legend(frameon=False, fontsize=7)
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "pair_pca.png")
