"""An oscillator of spiking neurons: a loop makes a population of two dimensions turn at 2 Hz, on a circle of radius 1.

    wanted    dx/dt = w J x + (1 - |x|^2) x/t_grow,    J x = (-x2, x1)

Through a synapse of time constant tau the loop must decode x + tau dx/dt. LIF neurons answer to a change about 1 ms early, so
that it turns faster by one part in tau/(1 ms).
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import nef

frequency, t_grow, tau = 2.0, 400.0, 100.0                                   # Hz, ms, ms
omega = 2*np.pi*frequency/1000                                               # 1/ms


def velocity(x):
    """Return dx/dt (1/ms) at points of shape (m, 2)."""
    return omega*x[:, ::-1]*[-1, 1] + (1 - np.sum(x**2, axis=1, keepdims=True))*x/t_grow


state = nef.Ensemble(500, dimensions=2, radius=1.2, name="state")
probe = nef.Probe(state, synapse=10)
loop = nef.Connection(state, state, function=nef.nonlinear(velocity, tau), synapse=tau)
net = nef.Network([state], [loop], [probe])
trace = nef.simulate(net, duration=6000, seed=1)[probe]

late = trace.times > 2000
angle = np.unwrap(np.arctan2(trace.values[late, 1], trace.values[late, 0]))
measured = np.polyfit(trace.times[late]/1000, angle/(2*np.pi), 1)[0]
circle = np.linspace(0, 2*np.pi, 200)
fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.6, width_ratios=[1.4, 1])
ns.plot.decoded(trace, window=(0, 4000), ax=axes[0, 0])
ns.plot.phase_portrait(trace, ideal=np.stack([np.cos(circle), np.sin(circle)], axis=1), ax=axes[0, 1])
axes[0, 1].set_title(f"{measured:.3f} Hz of {frequency:g} Hz wanted", fontsize=6.5, loc="right")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "nef_oscillator.png")
