"""A plasticity rule of one's own, as equations: calcium decides (Graupner & Brunel 2012, doi:10.1073/pnas.1109359109).

Spikes of either side let calcium c in; above theta_d it lowers the efficacy w, above theta_p it raises it.
"""

import sys

import numpy as np

import neurosim as ns

calcium = ns.PlasticityModel.from_equations(
    """
    dc/dt = -c/tau_ca                                                              : 1
    dw/dt = (gamma_p*(1 - w)*where(c > theta_p, 1, 0) - gamma_d*w*where(c > theta_d, 1, 0))/tau : 1
    """,
    on_pre="c += c_pre", on_post="c += c_post", transmit=False, name="calcium",
    parameters=dict(tau_ca=20.0, c_pre=1.0, c_post=2.0, theta_d=1.0, theta_p=1.3, gamma_d=200.0, gamma_p=321.808, tau=150e3),
    units=dict(tau_ca="ms", tau="ms"))

parrot = ns.NeuronModel.from_equations("dv/dt = -v/tau : 1", threshold="v > 0.5", reset="v = 0", parameters=dict(tau=1.0))
lag = np.arange(-80.0, 81.0, 4.0)  # ms from the source's spike to the target's
pre, post = ns.Population(lag.size, parrot, name="pre"), ns.Population(lag.size, parrot, name="post")
pairs = 100 + 200*np.arange(60)  # 60 pairs, far enough apart for calcium
net = ns.Network([pre, post], projections=[
    # calcium enters 13.7 ms after the source's spike
    ns.Projection(pre, post, ns.OneToOne(), ns.Delta(0.5), delay=13.7, plasticity=calcium)],
    stimuli=[ns.SpikeInput(times=pairs, weight=1, target=pre),
             *(ns.SpikeInput(times=pairs + lag[k], weight=1, target=post[k]) for k in range(lag.size))])
w = ns.simulate(net, duration=12_200, dt=0.02).connections["pre->post"].weight

ax = ns.plot.stdp_window(lag, 100*(w/0.5 - 1), unit="%")
ns.plot.save(ax, sys.argv[1] if len(sys.argv) > 1 else "own_plasticity.png")
