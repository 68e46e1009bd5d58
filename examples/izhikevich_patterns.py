"""One model, six ways of firing: parameters of Izhikevich (2003), doi:10.1109/TNN.2003.820440, one column a neuron."""

import sys

import numpy as np

import neurosim as ns

names = ["regular spiking", "intrinsically bursting", "chattering", "fast spiking", "low-threshold spiking", "resonator"]
a = np.array([0.02, 0.02, 0.02, 0.1, 0.02, 0.1])
b = np.array([0.2, 0.2, 0.2, 0.2, 0.25, 0.26])
c = np.array([-65, -55, -50, -65, -65, -65])
d = np.array([8, 4, 2, 2, 2, 2])

rest = (b - 5 - np.sqrt((5 - b)**2 - 22.4))/0.08                 # mV, where both derivatives are zero
cells = ns.Population(6, ns.Izhikevich(), name="cells", parameters=dict(a=a, b=b, c=c, d=d),
                      initial={"v": rest, "u": b*rest})
current = np.array([10, 10, 10, 10, 4, 0.5])
net = ns.Network([cells], stimuli=[ns.Step(current, target=cells, start=50)], probes=[ns.Probe(cells, "v")])
result = ns.simulate(net, duration=350, dt=0.05)

fig, axes = ns.plot.figure(3, 2, width=7.2, height=4.2, sharex=True, sharey=True)
for k, ax in enumerate(axes.flat):
    ns.plot.voltage(result.traces["v"], result.spikes["cells"], neurons=[k], ax=ax, spike_height=30)
    ax.set_title(names[k], fontsize=7)
    ax.set(xlabel="Time (ms)" if k > 3 else "", ylabel="v (mV)" if k % 2 == 0 else "")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "izhikevich_patterns.png")
