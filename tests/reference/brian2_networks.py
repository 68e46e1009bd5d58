"""The cases of `network_catalogue` in Brian2 (Stimberg, Brette & Goodman 2019, doi:10.7554/eLife.47314).

A program for the Python that has Brian2:   brian2_networks.py FILE.npz case NAME [NUMBER]
                                            brian2_networks.py FILE.npz random SEED
                                            brian2_networks.py FILE.npz version

Equations are written again from the papers, in SI units: a mistake on either side shows.
"""

from __future__ import annotations

import sys

import brian2 as b2
import numpy as np
from brian2 import ms, mV, nA, nF, uS
from network_cases import Case, Cells, Rule, Run, Synapse, Wires, ordered, variant
from network_catalogue import CASES

#: one step later than the number says: neurosim and NEST integrate again from t + dt + t_ref on, Brian2 from t + t_ref on
HELD = "t_ref + dt"
UNITS = {"tau_m": ms, "r_m": b2.Mohm, "v_rest": mV, "v_th": mV, "v_reset": mV, "t_ref": ms, "c_m": nF, "g_l": uS, "g_na": uS,
         "g_k": uS, "e_l": mV, "e_na": mV, "e_k": mV, "v_t": mV}
LEAKY = "dv/dt = (v_rest - v + r_m*(drive{}))/tau_m : volt (unless refractory)"
#: Brian2 drops whatever is added to a v marked "unless refractory" in a step in which it is held, the last one too; here
#: kicks choose by themselves when they are lost, see `kick`
KICKED = """
    dv/dt = active*(v_rest - v + r_m*drive)/tau_m : volt
    active = int(t - lastspike > t_ref + dt/2) : 1 (constant over dt)
"""
CHANNELS = """
    s = (v - v_t)/mV : 1
    am = 0.32*4/exprel((13 - s)/4)/ms : Hz
    bm = 0.28*5/exprel((s - 40)/5)/ms : Hz
    ah = 0.128*exp((17 - s)/18)/ms : Hz
    bh = 4/(1 + exp((40 - s)/5))/ms : Hz
    an = 0.032*5/exprel((15 - s)/5)/ms : Hz
    bn = 0.5*exp((10 - s)/40)/ms : Hz
    dm/dt = am*(1 - m) - bm*m : 1
    dh/dt = ah*(1 - h) - bh*h : 1
    dn/dt = an*(1 - n) - bn*n : 1
    dv/dt = (g_l*(e_l - v) - g_na*m**3*h*(v - e_na) - g_k*n**4*(v - e_k) + drive{})/c_m : volt
"""


def responses(synapses: dict[Synapse, int]) -> tuple[str, str]:
    """Return (equations, sum of currents) of the synapses onto one population, each with its number."""
    lines, total = [], ""
    for synapse, k in synapses.items():
        if synapse.kind == "delta":
            continue
        if synapse.kind == "gap":
            lines.append(f"x{k} : amp")
            total += f" + x{k}"
            continue
        unit = "amp" if synapse.e_rev is None else "siemens"
        tau = synapse.tau
        if synapse.kind == "exponential":
            lines.append(f"dx{k}/dt = -x{k}/({tau[0]}*ms) : {unit}")
        elif synapse.kind == "alpha":
            lines += [f"dx{k}/dt = (a{k} - x{k})/({tau[0]}*ms) : {unit}", f"da{k}/dt = -a{k}/({tau[0]}*ms) : {unit}"]
        else:
            # as the difference that the name says: exact by exponential Euler, as neurosim's chain of rise and decay is
            lines += [f"x{k} = d{k} - a{k} : {unit}", f"dd{k}/dt = -d{k}/({tau[1]}*ms) : {unit}",
                      f"da{k}/dt = -a{k}/({tau[0]}*ms) : {unit}"]
        total += f" + x{k}" if synapse.e_rev is None else f" + x{k}*({synapse.e_rev}*mV - v)"
    return "\n".join(lines), total


def kick(synapse: Synapse, k: int, amount: str = "w") -> str:
    """Return the statements that add the amount to the target; it is the peak of the response."""
    if synapse.kind == "delta":
        # a neuron that is held in the step that follows loses the kick
        return f"v_post += {amount}*int(t - lastspike_post > t_ref_post - dt/2)"
    if synapse.kind == "exponential":
        return f"x{k}_post += {amount}"
    if synapse.kind == "alpha":
        return f"a{k}_post += {amount}*exp(1)"
    rise, decay = synapse.tau
    at = np.log(decay / rise) * rise * decay / (decay - rise)
    peak = float(np.exp(-at / decay) - np.exp(-at / rise))
    return f"a{k}_post += {amount}/{peak!r}\nd{k}_post += {amount}/{peak!r}"


#: (equations, statements before the weight is sent, sent, after it, statements at a spike of the target), written for w/unit
RULES = {
    "stdp": ("dx/dt = -x/(tau_plus*ms) : 1 (event-driven)\ndy/dt = -y/(tau_minus*ms) : 1 (event-driven)", "", "w",
             "w = clip(w/unit - a_minus*(w_max - w_min)*y, w_min, w_max)*unit\nx += 1",
             "w = clip(w/unit + a_plus*(w_max - w_min)*x, w_min, w_max)*unit\ny += 1"),
    "triplet": ("\n".join(f"d{n}/dt = -{n}/({tau}*ms) : 1 (event-driven)" for n, tau in
                          (("r1", "tau_plus"), ("r2", "tau_x"), ("o1", "tau_minus"), ("o2", "tau_y"))), "", "w",
                "w = clip(w/unit - w_scale*o1*(a2_minus + a3_minus*r2), w_min, w_max)*unit\nr1 += 1\nr2 += 1",
                "w = clip(w/unit + w_scale*r1*(a2_plus + a3_plus*o2), w_min, w_max)*unit\no1 += 1\no2 += 1"),
    "inhibitory": ("dx/dt = -x/(tau*ms) : 1 (event-driven)\ndy/dt = -y/(tau*ms) : 1 (event-driven)", "", "w",
                   "x += 1\nw = clip(w/unit + eta*(y - 2*rho_0*Hz*tau*ms), w_min, w_max)*unit",
                   "y += 1\nw = clip(w/unit + eta*x, w_min, w_max)*unit"),
    "short_term": ("du/dt = -u/(tau_facil*ms) : 1 (event-driven)\ndx/dt = (1 - x)/(tau_rec*ms) : 1 (event-driven)",
                   "u += U*(1 - u)", "w*u*x", "x -= u*x", None),
    "depression": ("dx/dt = (1 - x)/(tau_rec*ms) : 1 (event-driven)", "", "w*U*x", "x -= U*x", None),
}


def unit_of(synapse: Synapse):
    """Return the unit of the weight."""
    return mV if synapse.kind == "delta" else nA if synapse.e_rev is None and synapse.kind != "gap" else uS


def neurons(cells: Cells, synapses: dict[Synapse, int], dt: float, method: str):
    """Return the group of a population."""
    text, total = responses(synapses)
    kicked = any(s.kind == "delta" for s in synapses)
    lines = [KICKED if kicked else (LEAKY if cells.model == "lif" else CHANNELS).format(total), text, "drive : amp (constant)",
             *(f"{p} : {'1' if p == 'v_th' and cells.model != 'lif' else b2.get_dimensions(UNITS[p])!r} (constant)"
               for p in cells.parameters if p != "v_th" or cells.model == "lif")]
    space = {"mV": mV, "ms": ms}
    level = "v_th" if cells.model == "lif" else f"{cells.parameters['v_th']}*mV"
    # without a reset a spike is a crossing: none while v stays above the level
    held = HELD if cells.model == "lif" else f"v > {level} or t - lastspike < t_ref + dt/2"
    group = b2.NeuronGroup(cells.size, "\n".join(lines), threshold=f"v > {level}", refractory=held, dt=dt*ms, namespace=space,
                           reset="v = v_reset" if cells.model == "lif" else "", method=method)
    for name, value in cells.parameters.items():
        if name != "v_th" or cells.model == "lif":
            setattr(group, name, value*UNITS[name])
    group.drive = cells.current*nA
    group.v = cells.v0*mV
    if cells.model == "traub_miles":
        for gate in "mhn":
            setattr(group, gate, f"a{gate}/(a{gate} + b{gate})")
    return group


def connections(w: Wires, source, target, k: int):
    """Return the synapses of a projection."""
    unit = unit_of(w.synapse)
    space = {"unit": unit, "ms": ms, "Hz": b2.Hz}
    model = f"w : {b2.get_dimensions(unit)!r}"
    if w.synapse.kind == "gap":
        synapses = b2.Synapses(source, target, f"{model}\nx{k}_post = w*(v_pre - v_post) : amp (summed)", namespace=space)
    elif w.rule is None:
        synapses = b2.Synapses(source, target, model, on_pre=kick(w.synapse, k), namespace=space)
    else:
        rule: Rule = w.rule
        equations, before, sent, after, on_post = RULES[rule.kind]
        space |= rule.parameters
        on_pre = "\n".join(s for s in (before, kick(w.synapse, k, sent), after) if s)
        synapses = b2.Synapses(source, target, f"{model}\n{equations}", on_pre=on_pre, on_post=on_post, namespace=space)
    synapses.connect(i=w.pre, j=w.post)
    synapses.w = w.weight*unit
    if w.rule is not None and w.rule.kind in ("short_term", "depression"):
        synapses.x = 1
    if w.synapse.kind != "gap":
        # the delay of the pathway of the source: it lies before the synapse
        synapses.pre.delay = w.delay*ms
    return synapses


def run(case: Case) -> Run:
    """Run a case."""
    b2.defaultclock.dt = case.dt*ms
    groups, objects, traces, spikes = {}, [], {}, {}
    numbers = {c.name: {s: k for k, s in enumerate(dict.fromkeys(w.synapse for w in case.onto(c.name)))} for c in case.cells}
    for c in case.cells:
        groups[c.name] = neurons(c, numbers[c.name], case.dt, case.methods["brian2"])
        # kicks must not be in what is recorded: it is taken behind the reset of every step, and begins one step late
        more = {"when": "before_synapses"} if any(s.kind == "delta" for s in numbers[c.name]) else {"dt": case.every*ms}
        traces[c.name] = b2.StateMonitor(groups[c.name], "v", record=range(min(case.shown, c.size)), **more)
    for s in case.sources:
        groups[s.name] = b2.SpikeGeneratorGroup(s.size, s.neurons, s.steps*case.dt*ms, dt=case.dt*ms)
    for name, group in groups.items():
        spikes[name] = b2.SpikeMonitor(group)
    wired = {w.name: connections(w, groups[w.source], groups[w.target], numbers[w.target][w.synapse]) for w in case.wires}
    objects = [*groups.values(), *traces.values(), *spikes.values(), *wired.values()]
    network = b2.Network(objects)
    if any(w.synapse.kind == "delta" for w in case.wires):
        network.schedule = ["start", "groups", "thresholds", "resets", "synapses", "end"]
    network.run(case.duration*ms)
    shown, weights = {}, {}
    for c in case.cells:
        shown[c.name] = np.asarray(traces[c.name].v/mV).T.copy()
        if traces[c.name].when == "before_synapses":
            late = np.vstack([c.v0[:case.shown], shown[c.name][:-1]])
            shown[c.name] = late[::round(case.every / case.dt)].copy()
    for w in case.wires:
        if w.rule is not None:
            weights[w.name] = np.asarray(wired[w.name].w/unit_of(w.synapse))[np.lexsort((w.post, w.pre))]
    return Run({n: ordered(np.asarray(m.t/ms) + case.dt, m.i, case.dt, case.duration) for n, m in spikes.items()},
               shown, weights)


def main(path: str, what: str, *arguments: str) -> None:
    """Write a run as npz."""
    b2.prefs.codegen.target = "numpy"
    if what == "case":
        np.savez(path, **run(variant(CASES[arguments[0]](), int(*arguments[1:]))).flat())
    elif what == "version":
        np.savez(path, version=np.array(b2.__version__))
    else:
        from network_statistics import brian2_random

        np.savez(path, **brian2_random(int(arguments[0])))


if __name__ == "__main__":
    main(*sys.argv[1:])
