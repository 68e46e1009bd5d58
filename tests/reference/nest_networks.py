"""The cases of `network_catalogue` in NEST (Gewaltig & Diesmann 2007, doi:10.4249/scholarpedia.1430).

A program for the Python that has NEST:   nest_networks.py FILE.npz case NAME [NUMBER]
                                          nest_networks.py FILE.npz random SEED
                                          nest_networks.py FILE.npz version

iaf_psc_delta: with u after the kicks at the end of a step, NEST tests u > V_th, and a kick comes at the end of the step in
which it arrives.  neurosim adds the same kicks at the start of the step that follows and tests v = p u + c at its end, with
p = exp(-dt/tau_m) and c = (1 - p)(E_L + R I).  So V_th and V_reset of NEST are (v - c)/p of those of neurosim, all delays
are one step longer, spikes have labels one step earlier, and v(t) = p u(t - dt) + c: the same run to rounding.
"""

from __future__ import annotations

import sys

import nest
import numpy as np
from network_cases import Case, Cells, Run, Source, Wires, ordered, variant
from network_catalogue import CASES

MODELS = {("exponential", False): "iaf_psc_exp", ("alpha", False): "iaf_psc_alpha", ("delta", False): "iaf_psc_delta",
          ("exponential", True): "iaf_cond_exp", ("double_exponential", True): "iaf_cond_beta"}
#: NEST learns what a source spike did to its weight when the next one arrives: the run goes on a little
TAIL = 10.0


def fold(c: Cells, dt: float) -> tuple[float, np.ndarray]:
    """Return (p, c) of v = p u + c."""
    p = np.exp(-dt / c.parameters["tau_m"])
    return p, (1 - p) * (c.parameters["v_rest"] + c.parameters["r_m"] * c.current)


def is_delta(case: Case, name: str) -> bool:
    """Return whether the synapses onto a population are kicks of v."""
    return any(w.synapse.kind == "delta" for w in case.onto(name))


def neurons(c: Cells, case: Case):
    """Return the nodes of a population."""
    onto = [w.synapse for w in case.onto(c.name)]
    (model,) = {MODELS[s.kind, s.e_rev is not None] for s in onto}
    p = c.parameters
    values = {"C_m": 1000 * p["tau_m"] / p["r_m"], "E_L": p["v_rest"], "V_th": p["v_th"], "V_reset": p["v_reset"],
              "t_ref": p["t_ref"]}
    if model.startswith("iaf_cond"):
        values["g_L"] = 1000 / p["r_m"]
    else:
        values["tau_m"] = p["tau_m"]
    for w in case.onto(c.name):
        side = "ex" if w.weight.sum() > 0 and (w.synapse.e_rev is None or w.synapse.e_rev > -60) else "in"
        if w.synapse.e_rev is not None:
            values[f"E_{side}"] = w.synapse.e_rev
        names = {"exponential": ["tau_syn"], "alpha": ["tau_syn"], "double_exponential": ["tau_rise", "tau_decay"], "delta": []}
        values |= {f"{n}_{side}": t for n, t in zip(names[w.synapse.kind], w.synapse.tau)}
    nodes = nest.Create(model, c.size, values)
    nodes.V_m = c.v0
    if np.any(c.current):
        nodes.I_e = 1000 * c.current
    if model == "iaf_psc_delta":
        factor, shift = fold(c, case.dt)
        nodes.V_m = c.v0
        nodes.V_th, nodes.V_reset = (p["v_th"] - shift) / factor, (p["v_reset"] - shift) / factor
    return nodes


def source(s: Source, dt: float, shift: int):
    """Return parrots, which fire one step after their generators; shift: steps by which labels are earlier."""
    parrots, generators = nest.Create("parrot_neuron", s.size), nest.Create("spike_generator", s.size)
    for k, generator in enumerate(generators):
        # the label of the parrot's spike is (step + 1) dt
        generator.spike_times = np.round(np.sort(s.steps[s.neurons == k] - shift) * dt, 6)
    nest.Connect(generators, parrots, "one_to_one", {"delay": dt})
    return parrots


def connect(w: Wires, pre, post, dt: float, later: int) -> None:
    """Connect; later: steps added to the delays."""
    # pA, nS; mV
    weight = w.weight * (1.0 if w.synapse.kind == "delta" else 1000.0)
    if w.synapse.e_rev is not None and w.synapse.e_rev <= -60:
        weight = -weight
    model, values = "static_synapse", {}
    if w.rule is not None:
        q = w.rule.parameters
        if w.rule.kind == "stdp_sent_after":
            model = "stdp_synapse"
            values = {"Wmax": 1000 * q["w_max"], "lambda": q["lam"], "alpha": q["alpha"], "tau_plus": q["tau_plus"]}
            post.tau_minus = q["tau_minus"]
        else:
            # NEST keeps u and x as the next spike finds them
            model = "tsodyks2_synapse"
            values = {"U": q["U"], "u": q["U"], "x": 1.0, "tau_rec": q["tau_rec"], "tau_fac": q.get("tau_facil", 0.0)}
    name = f"{model}_{w.name}"
    nest.CopyModel(model, name, values)
    nest.Connect(np.asarray(pre.tolist())[w.pre], np.asarray(post.tolist())[w.post], "one_to_one",
                 {"synapse_model": name, "weight": weight, "delay": np.round(w.delay + later * dt, 6)})


def run(case: Case) -> Run:
    """Run a case."""
    nest.ResetKernel()
    nest.resolution = case.dt
    nodes = {c.name: neurons(c, case) for c in case.cells}
    kicked = {c.name: is_delta(case, c.name) for c in case.cells}
    later = int(any(kicked.values()))
    nodes |= {s.name: source(s, case.dt, later) for s in case.sources}
    for w in case.wires:
        connect(w, nodes[w.source], nodes[w.target], case.dt, later)
    recorders, meters = {}, {}
    for name, group in nodes.items():
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(group, recorders[name])
    for c in case.cells:
        meters[c.name] = nest.Create("multimeter", params={"interval": case.dt, "record_from": ["V_m"]})
        nest.Connect(meters[c.name], nodes[c.name][:min(case.shown, c.size)])
    nest.Simulate(case.duration + TAIL)
    spikes, traces, weights = {}, {}, {}
    for name, r in recorders.items():
        first = nodes[name][0].global_id
        spikes[name] = ordered(r.events["times"] + later * case.dt, r.events["senders"] - first, case.dt, case.duration)
    for c in case.cells:
        n, e = min(case.shown, c.size), meters[c.name].events
        order = np.lexsort((e["senders"], np.rint(e["times"] / case.dt)))
        # rows: v at dt, 2 dt, ...; before them the initial value
        v = np.vstack([c.v0[:n], e["V_m"][order].reshape(-1, n)])
        if kicked[c.name]:
            factor, shift = fold(c, case.dt)
            v = np.vstack([c.v0[:n], factor * v[:-1] + shift[:n]])
        traces[c.name] = v[:case.steps:round(case.every / case.dt)].copy()
    for w in case.wires:
        if w.rule is not None and w.rule.kind.startswith("stdp"):
            found = nest.GetConnections(nodes[w.source], nodes[w.target], synapse_model=f"stdp_synapse_{w.name}")
            order = np.lexsort((found.target, found.source))
            weights[w.name] = np.asarray(found.weight)[order] / 1000
        elif w.rule is not None:
            weights[w.name] = w.weight[np.lexsort((w.post, w.pre))]
    return Run(spikes, traces, weights)


def main(path: str, what: str, *arguments: str) -> None:
    """Write a run as npz."""
    nest.verbosity = nest.VerbosityLevel.ERROR
    if what == "case":
        np.savez(path, **run(variant(CASES[arguments[0]](), int(*arguments[1:]))).flat())
    elif what == "version":
        np.savez(path, version=np.array(nest.__version__))
    else:
        from network_statistics import nest_random

        np.savez(path, **nest_random(int(arguments[0])))


if __name__ == "__main__":
    main(*sys.argv[1:])
