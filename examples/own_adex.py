"""A model of your own, as equations: the adaptive exponential neuron (Brette & Gerstner 2005, doi:10.1152/jn.00686.2005)."""

import sys

import neurosim as ns

adex = ns.NeuronModel.from_equations(
    """
    dv/dt = (g_l*(e_l - v) + g_l*delta_t*exp((v - v_t)/delta_t) - w + i) / c   : mV
    dw/dt = (a*(v - e_l) - w) / tau_w                                          : nA
    """,
    threshold="v > v_cut", reset="v = v_reset; w = w + b",
    parameters=dict(c=0.281, g_l=0.030, e_l=-70.6, v_t=-50.4, delta_t=2.0, a=0.004,
                    b=0.0805, tau_w=144.0, v_reset=-70.6, v_cut=20.0), inputs={"i": "nA"})

cell = ns.Population(1, adex, name="AdEx")
step = ns.Step(1.0, target=cell, start=50, stop=450)           # nA
net = ns.Network([cell], stimuli=[step], probes=[ns.Probe(cell, "v"), ns.Probe(cell, "w")])
result = ns.simulate(net, duration=600, dt=0.05)

fig, axes = ns.plot.figure(2, 1, width=5, height=3.4, sharex=True)
ns.plot.voltage(result.traces["v"], spikes=result.spikes["AdEx"], ax=axes[0, 0], spike_height=20)
ns.plot.voltage(result.traces["w"], ax=axes[1, 0], color=ns.plot.PALETTE[1])
axes[0, 0].set_xlabel("")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "own_adex.png")
