"""Sparse excitation and inhibition: stronger inhibition turns a regular, synchronous network into an irregular one."""

import sys

import matplotlib

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())

lif = ns.NeuronModel.from_equations(
    "dv/dt = -v/tau_m : mV (unless refractory)", threshold="v > v_th", reset="v = v_reset", refractory="t_ref",
    parameters=dict(tau_m=20.0, v_th=20.0, v_reset=10.0, t_ref=2.0), name="lif")
exc, inh = ns.Population(4000, lif, name="E"), ns.Population(1000, lif, name="I")
net = ns.Network([exc, inh], projections=[
    ns.Projection(exc, [exc, inh], ns.FixedInDegree(400), ns.Delta(weight=0.25), delay=1.5, name="excitation"),  # mV, ms
    ns.Projection(inh, [exc, inh], ns.FixedInDegree(100), ns.Delta(weight=-0.75), delay=1.5, name="inhibition")],
    stimuli=[ns.PoissonInput(rate=8000, weight=0.25, target=[exc, inh])])

# the second run goes on where the first one ended, with the inhibitory weight changed: g = 3, then g = 5
first = ns.simulate(net, duration=400, seed=1)
second = ns.simulate(net, duration=400, seed=1, resume=first, changes={"inhibition": {"weight": -1.25}})

fig, axes = ns.plot.figure(2, 2, width=7.2, height=3.2, height_ratios=[3, 1])
for column, (result, title) in enumerate([(first, "g = 3"), (second, "g = 5")]):
    stop = result.time
    ns.plot.raster(result, first=50, window=(stop - 100, stop), bin=0.5, ax=axes[:, column])
    cv = ns.analysis.cv(result.spikes["E"])
    axes[0, column].set_title(f"{title}: CV of intervals {cv[cv == cv].mean():.2f}")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "brunel_balance.png")
