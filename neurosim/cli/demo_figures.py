"""The simulations and figures of the demo; each returns a figure and the numbers to compare."""

from __future__ import annotations

from typing import Any

import numpy as np

import neurosim as ns
from neurosim.published import Number, Row

#: Hodgkin-Huxley equations (1952, doi:10.1113/jphysiol.1952.sp004764) at 6.3 C: rate in Hz by current in uA/cm2, as
#: integrated with DOP853 at a relative tolerance of 1e-12; half a unit of the last digit is allowed
HH_RATES = {6.30: Number(52.4, 0.05, "Hz"), 10.0: Number(68.3, 0.05, "Hz"), 20.0: Number(86.5, 0.05, "Hz"),
            50.0: Number(117.0, 0.5, "Hz")}
HH_REST = Number(-64.996, 0.0005, "mV")
#: its upper Hopf point: from there on there is depolarisation block
HH_BLOCK = 154.5


def _row(name: str, number: Number, measured: float) -> Row:
    return Row(name, number.value, measured, number.tolerance, number.unit, number.agrees(measured), number.note)


def _rates(trains: Any, start: float) -> np.ndarray:
    # from intervals, since counting would round to 1/duration; neurons that fell silent have none
    rates = ns.analysis.rate_from_isi(trains, start)
    late = ns.analysis.spike_counts(trains, start, None) > 2
    return np.where(late & np.isfinite(rates), rates, 0.0)


def hodgkin_huxley() -> tuple[Any, list[Row]]:
    """Hodgkin-Huxley: rate against current, up to depolarisation block."""
    low, high = np.linspace(0, 20, 101), np.linspace(20, 160, 71)
    current = np.concatenate([low, high, list(HH_RATES)])                 # uA/cm2
    cells = ns.Population(current.size, ns.HodgkinHuxley(), name="cells")
    net = ns.Network([cells], stimuli=[ns.DC(current, target=cells)])
    result = ns.simulate(net, duration=1500, dt=0.01, method="rk4")
    rates = _rates(result.spikes["cells"], 500)
    rows = [_row("Hodgkin-Huxley: potential at rest", HH_REST, result.final("cells", "v")[0])]
    rows += [_row(f"Hodgkin-Huxley: rate at {i:g} uA/cm2", number, rate)
             for (i, number), rate in zip(HH_RATES.items(), rates[-len(HH_RATES):])]
    published = (list(HH_RATES), [number.value for number in HH_RATES.values()], "reference")
    fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.6)
    ns.plot.fi_curve(low, rates[:low.size], ax=axes[0, 0], unit="uA/cm2", label="simulated",
                     reference=(published[0][:3], published[1][:3], "reference"))
    ns.plot.fi_curve(current[:-len(HH_RATES)], rates[:-len(HH_RATES)], ax=axes[0, 1], unit="uA/cm2", label="simulated",
                     reference=published)
    axes[0, 1].axvline(HH_BLOCK, color="#8C8C8C", lw=0.7, ls=":")
    axes[0, 1].annotate("depolarisation block", (HH_BLOCK, 0.5), xycoords=("data", "axes fraction"), xytext=(2, 0),
                        fontsize=6.5, textcoords="offset points", rotation=90, va="center", color="#595959")
    axes[0, 0].set_xticks(range(0, 21, 5))
    return fig, rows


def action_potential() -> tuple[Any, list[Row]]:
    """Hodgkin-Huxley: an action potential and its gates."""
    cell = ns.Population(1, ns.HodgkinHuxley(), name="cell")
    net = ns.Network([cell], stimuli=[ns.Step(20.0, target=cell, start=2, stop=3)],
                     probes=[ns.Probe(cell, name) for name in ("v", "m", "h", "n")])
    traces = ns.simulate(net, duration=25, dt=0.01, method="rk4").traces
    axes = ns.plot.action_potential(traces["v"], {name: traces[name] for name in ("m", "h", "n")})
    return axes[0].figure, []


def integrate_and_fire() -> tuple[Any, list[Row]]:
    """Leaky integrate-and-fire: rate against current and its closed form."""
    dt = 0.01
    coarse = np.linspace(0, 5, 101)                                       # nA
    fine = 1.5 + np.geomspace(1e-6, 0.05, 40)                             # the curve rises with an infinite slope
    current = np.concatenate([coarse, fine])
    model = ns.LIF()
    cells = ns.Population(current.size, model, name="cells")
    net = ns.Network([cells], stimuli=[ns.DC(current, target=cells)])
    rates = _rates(ns.simulate(net, duration=3000, dt=dt).spikes["cells"], 100)
    p = model.parameters
    v_inf = p["v_rest"] + p["r_m"]*current
    above = v_inf > p["v_th"]
    closed = np.zeros(current.size)
    closed[above] = 1000/(p["t_ref"] + p["tau_m"]*np.log((v_inf[above] - p["v_reset"])/(v_inf[above] - p["v_th"])))
    # a spike waits for the end of its step, up to dt: the rate r is too low by up to r^2 dt/1000
    rows = [_row(f"Integrate-and-fire: rate at {current[k]:g} nA",
                 Number(closed[k], closed[k]**2*dt/1000, "Hz"), rates[k]) for k in (32, 60, 100)]
    fig, axes = ns.plot.figure()
    ns.plot.fi_curve(current, rates, ax=axes[0, 0], unit="nA", label="simulated",
                     reference=(coarse[::5], closed[:coarse.size:5], "closed form"))
    return fig, rows


def own_model() -> tuple[Any, list[Row]]:
    """A model of your own as equations: the adaptive exponential neuron."""
    adex = ns.NeuronModel.from_equations(
        """
        dv/dt = (g_l*(e_l - v) + g_l*delta_t*exp((v - v_t)/delta_t) - w + i) / c   : mV
        dw/dt = (a*(v - e_l) - w) / tau_w                                          : nA
        """,
        threshold="v > v_cut", reset="v = v_reset; w = w + b",
        parameters=dict(c=0.281, g_l=0.030, e_l=-70.6, v_t=-50.4, delta_t=2.0, a=0.004,
                        b=0.0805, tau_w=144.0, v_reset=-70.6, v_cut=20.0), inputs={"i": "nA"}, name="AdEx")
    cell = ns.Population(1, adex, name="cell")
    net = ns.Network([cell], stimuli=[ns.Step(1.0, target=cell, start=50, stop=450)],
                     probes=[ns.Probe(cell, "v"), ns.Probe(cell, "w")])
    result = ns.simulate(net, duration=600, dt=0.02)
    fig, axes = ns.plot.figure(2, 1, width=5.0, height=3.2, sharex=True, height_ratios=[3, 2])
    ns.plot.voltage(result.traces["v"], result.spikes["cell"], ax=axes[0, 0], spike_height=20)
    ns.plot.voltage(result.traces["w"], ax=axes[1, 0], color=ns.plot.PALETTE[1])
    axes[0, 0].set_xlabel("")
    axes[1, 0].set_ylabel("Adaptation w (nA)")
    for ax in axes[:, 0]:
        ax.axvspan(50, 450, color="#8C8C8C", alpha=0.12, lw=0)
    axes[0, 0].annotate("1 nA", (450, 1), xycoords=("data", "axes fraction"), xytext=(3, -2), fontsize=6.5,
                        textcoords="offset points", va="top", color="#595959")
    fig.align_ylabels()
    return fig, []


def population() -> tuple[Any, list[Row]]:
    """A population under noise and a slow wave: spikes and rate."""
    cells = ns.Population(1000, ns.LIF(tau_m=20.0), name="LIF", initial={"v": ns.Uniform(-65, -50)})
    drive = ns.OrnsteinUhlenbeck(mean=1.2, sigma=0.7, tau=5.0, target=cells)
    wave = ns.Sine(0.35, frequency=4.0, target=cells)
    result = ns.simulate(ns.Network([cells], stimuli=[drive, wave]), duration=1000, dt=0.1, seed=1)
    return ns.plot.raster(result, first=100, bin=10).raster.figure, []


FIGURES = {"hodgkin_huxley": hodgkin_huxley, "action_potential": action_potential,
           "integrate_and_fire": integrate_and_fire, "own_model": own_model, "population": population}
