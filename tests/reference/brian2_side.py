"""The cases of `cases` in Brian2's language (Stimberg, Brette & Goodman 2019, doi:10.7554/eLife.47314).

Equations are written again from the papers, in SI units and with Brian2's own functions: a mistake on either side shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import cm, ms, mV, nA, nF, siemens, uA, uF, uS
from cases import INTERVAL, Case, Run


@dataclass(frozen=True)
class Twin:
    """A model in Brian2.

    Attributes:
        equations: with the current `I`; parameters are added to it, one value for each neuron.
        parameters: unit by name.
        current: unit of I.
        states: unit of what is recorded.
        initial: value or expression by state, in order.
        threshold, reset, refractory: as Brian2 takes them; refractory "t_ref" gets t_ref + dt.
    """

    equations: str
    parameters: dict[str, object]
    current: object
    states: dict[str, object]
    initial: dict[str, str]
    threshold: str
    reset: str | None = None
    refractory: str | bool = False


_SQUARE_CM = cm**2
_GATES = {"m": "am/(am + bm)", "h": "ah/(ah + bh)", "n": "an/(an + bn)"}
_GATE_EQUATIONS = """
    dm/dt = am*(1 - m) - bm*m : 1
    dh/dt = ah*(1 - h) - bh*h : 1
    dn/dt = an*(1 - n) - bn*n : 1
"""

TWINS = {
    "lif": Twin(
        "dv/dt = (v_rest - v + r_m*I)/tau_m : volt (unless refractory)",
        {"tau_m": ms, "r_m": b2.Mohm, "v_rest": mV, "v_th": mV, "v_reset": mV, "t_ref": ms},
        nA, {"v": mV}, {"v": "v_rest"}, "v > v_th", "v = v_reset", "t_ref"),
    "adex": Twin(
        """
        u = clip(v, -1*volt, v_cut) : volt
        dv/dt = (-g_l*(u - e_l) + g_l*delta_t*exp((u - v_t)/delta_t) - w + I)/c_m : volt (unless refractory)
        dw/dt = (a*(u - e_l) - w)/tau_w : amp
        """,
        {"c_m": nF, "g_l": uS, "e_l": mV, "v_t": mV, "delta_t": mV, "tau_w": ms, "a": uS, "b": nA, "v_reset": mV,
         "v_cut": mV, "t_ref": ms},
        nA, {"v": mV, "w": nA}, {"v": "e_l", "w": "0*amp"}, "v > v_cut", "v = v_reset\nw += b", "t_ref"),
    "izhikevich": Twin(
        """
        dv/dt = (0.04/ms/mV)*v**2 + (5/ms)*v + 140*mV/ms - u + I : volt
        du/dt = a*(b*clip(v, -1*volt, v_peak) - u) : volt/second
        """,
        {"a": 1/ms, "b": 1/ms, "c": mV, "d": mV/ms, "v_peak": mV},
        mV/ms, {"v": mV, "u": mV/ms}, {"v": "-65*mV", "u": "b*v"}, "v >= v_peak", "v = c\nu += d"),
    "hodgkin_huxley": Twin(
        """
        x = v/mV : 1
        am = 0.1*10/exprel(-(x + 40)/10)/ms : Hz
        bm = 4*exp(-(x + 65)/18)/ms : Hz
        ah = 0.07*exp(-(x + 65)/20)/ms : Hz
        bh = 1/(1 + exp(-(x + 35)/10))/ms : Hz
        an = 0.01*10/exprel(-(x + 55)/10)/ms : Hz
        bn = 0.125*exp(-(x + 65)/80)/ms : Hz
        slope = (I - g_l*(v - e_l) - g_na*m**3*h*(v - e_na) - g_k*n**4*(v - e_k))/c_m : volt/second
        dv/dt = (I - g_l*(v - e_l) - g_na*m**3*h*(v - e_na) - g_k*n**4*(v - e_k))/c_m : volt
        """ + _GATE_EQUATIONS,
        {"c_m": uF/_SQUARE_CM, "g_na": 1e-3*siemens/_SQUARE_CM, "g_k": 1e-3*siemens/_SQUARE_CM,
         "g_l": 1e-3*siemens/_SQUARE_CM, "e_na": mV, "e_k": mV, "e_l": mV, "v_th": mV, "dv_th": mV/ms},
        uA/_SQUARE_CM, {"v": mV, "m": 1, "h": 1, "n": 1}, {"v": "-65*mV", **_GATES},
        "v > v_th and slope > dv_th", None, "v > v_th and slope > dv_th"),
    "traub_miles": Twin(
        """
        s = (v - v_t)/mV : 1
        am = 0.32*4/exprel((13 - s)/4)/ms : Hz
        bm = 0.28*5/exprel((s - 40)/5)/ms : Hz
        ah = 0.128*exp((17 - s)/18)/ms : Hz
        bh = 4/(1 + exp((40 - s)/5))/ms : Hz
        an = 0.032*5/exprel((15 - s)/5)/ms : Hz
        bn = 0.5*exp((10 - s)/40)/ms : Hz
        dv/dt = (g_l*(e_l - v) - g_na*m**3*h*(v - e_na) - g_k*n**4*(v - e_k) + I)/c_m : volt
        """ + _GATE_EQUATIONS,
        {"c_m": nF, "g_l": uS, "g_na": uS, "g_k": uS, "e_l": mV, "e_na": mV, "e_k": mV, "v_t": mV, "v_th": mV,
         "t_ref": ms},
        nA, {"v": mV, "m": 1, "h": 1, "n": 1}, {"v": "e_l", **_GATES}, "v > v_th", None, "t_ref"),
}


def _dimension(unit) -> str:
    dimensions = b2.get_dimensions(unit)
    return "1" if dimensions.is_dimensionless else repr(dimensions)


class Side:
    """The objects of one case: `objects` for a Brian2 network, `run()` to read out afterwards."""

    def __init__(self, case: Case, noises: dict[str, np.ndarray]):
        twin = TWINS[case.model]
        self.case, self.twin = case, twin
        samples = np.hstack([d.samples(case.duration, noises.get(d.name)) for d in case.drives])
        table = b2.TimedArray(samples*twin.current, dt=INTERVAL*ms)
        # Brian2's exact integrator knows by itself that a TimedArray stands still during a step
        held = "" if case.method == "exact" else " (constant over dt)"
        lines = [twin.equations, f"I = table(t, i) : {_dimension(twin.current)}{held}",
                 *(f"{p} : {_dimension(u)} (constant)" for p, u in twin.parameters.items())]
        refractory = {}
        if twin.refractory:
            refractory = {"refractory": "t_ref + dt" if twin.refractory == "t_ref" else twin.refractory}
        self.group = b2.NeuronGroup(case.size, "\n".join(lines), threshold=twin.threshold, reset=twin.reset or "",
                                    method=case.method, dt=case.dt*ms, namespace={"table": table}, **refractory)
        for name, value in case.values().items():
            setattr(self.group, name, np.asarray(value)*twin.parameters[name])
        for name, value in twin.initial.items():
            setattr(self.group, name, value)
        self.spikes = b2.SpikeMonitor(self.group)
        self.states = b2.StateMonitor(self.group, list(twin.states), record=True, dt=case.every*ms)
        self.objects = [self.group, self.spikes, self.states]

    def run(self) -> Run:
        """Return what was recorded, in the units and with the labels of neurosim."""
        traces = {name: np.asarray(getattr(self.states, name)/unit).T.copy() for name, unit in self.twin.states.items()}
        return Run(np.asarray(self.spikes.t/ms) + self.case.dt, np.asarray(self.spikes.i),
                   np.asarray(self.states.t/ms), traces)


def run_brian2(*cases: Case) -> list[Run]:
    """Run cases of equal duration in one Brian2 network with its NumPy code."""
    b2.prefs.codegen.target = "numpy"
    sides = [Side(c, c.noises()) for c in cases]
    network = b2.Network(*(o for side in sides for o in side.objects))
    network.run(cases[0].duration*ms, namespace={})
    return [side.run() for side in sides]
