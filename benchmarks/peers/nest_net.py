"""Networks in NEST: LIF with currents exactly, all others by adaptive Runge-Kutta-Fehlberg, without choice.

Synapses with one weight and delay are of the type that stores them once.  NEST cannot set conductances, so that cobahh starts
by one spike of random weight for each neuron.  Delays lie behind the synapse, which matters for stdp.  Runs are consecutive
stretches of one simulation; the spikes of the first are counted.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from networks import circuit  # noqa: E402
from serve import Stopwatch, arguments, resident_mb, serve  # noqa: E402

given = arguments(("default",))
work, q = given.work, given.work.constants
watch = Stopwatch()
import nest  # noqa: E402
import numpy as np  # noqa: E402

import_s = watch()
nest.verbosity = nest.VerbosityLevel.ERROR
nest.ResetKernel()
nest.resolution = work.dt
nest.local_num_threads = given.threads
nest.rng_seed = given.seed
rng = np.random.default_rng(given.seed)
base_mb = 0.0


def wire(source, target, rule: dict, weight: float, delay: float) -> None:
    name = f"same_{len(nest.synapse_models)}"
    nest.CopyModel("static_synapse_hom_w", name, {"weight": weight, "delay": delay})
    nest.Connect(source, target, rule, {"synapse_model": name})


def balanced():
    """CUBA, COBA and COBAHH."""
    global base_mb
    shared = {"C_m": q["c"], "E_L": q["e_l"], "t_ref": q["t_ref"], "tau_syn_ex": q["tau_e"], "tau_syn_in": q["tau_i"]}
    if work.model == "cuba":
        cells = nest.Create("iaf_psc_exp", work.n, {**shared, "tau_m": q["tau"], "V_th": q["v_th"], "V_reset": q["v_reset"]})
        weights = q["w_e"] * q["g_l"], q["w_i"] * q["g_l"]
    else:
        shared |= {"g_L": q["g_l"], "E_ex": q["e_e"], "E_in": q["e_i"]}
        weights = q["w_e"], -q["w_i"]
        if work.model == "coba":
            cells = nest.Create("iaf_cond_exp", work.n, {**shared, "V_th": q["v_th"], "V_reset": q["v_reset"],
                                                         "I_e": q["drive"]})
        else:
            cells = nest.Create("hh_cond_exp_traub", work.n, {**shared, "E_Na": q["e_na"], "E_K": q["e_k"], "g_Na": q["g_na"],
                                                              "g_K": q["g_k"], "V_T": q["v_t"]})
    if work.model == "cobahh":
        cells.V_m = q["e_l"] - 5.0 + 5.0 * rng.standard_normal(work.n)
        for start in (np.maximum(40.0 + 15.0 * rng.standard_normal(work.n), 0.0),
                      -np.maximum(200.0 + 120.0 * rng.standard_normal(work.n), 0.0)):
            kick = nest.Create("spike_generator", params={"spike_times": [work.dt]})
            nest.Connect(kick, cells, "all_to_all", {"weight": start[:, None], "delay": work.dt})
    else:
        cells.V_m = rng.uniform(q["v_reset"], q["v_th"], work.n)
    base_mb = resident_mb()
    rule = {"rule": "pairwise_bernoulli", "p": q["inputs"] / work.n, "allow_autapses": True}
    for source, weight in zip((cells[:work.n_exc], cells[work.n_exc:]), weights):
        wire(source, cells, rule, weight, q["delay"])
    return cells


def random():
    """Brunel's network, and the one whose excitatory synapses learn."""
    global base_mb
    values = {"C_m": 1.0, "tau_m": q["tau"], "E_L": 0.0, "V_th": q["v_th"], "V_reset": q["v_reset"], "t_ref": q["t_ref"]}
    if work.model == "stdp":
        values["tau_minus"] = q["tau_minus"]
    cells = nest.Create("iaf_psc_delta", work.n, values)
    cells.V_m = rng.uniform(0.0, q["v_th"], work.n)
    exc, inh = cells[:work.n_exc], cells[work.n_exc:]
    noise = nest.Create("poisson_generator", params={"rate": q["rate"]})
    wire(noise, cells, {"rule": "all_to_all"}, q["j"], q["delay"])
    from_exc, from_inh = ({"rule": "fixed_indegree", "indegree": q[k], "allow_multapses": False} for k in ("in_e", "in_i"))
    base_mb = resident_mb()
    if work.model == "brunel":
        wire(exc, cells, from_exc, q["j"], q["delay"])
    else:
        nest.CopyModel("stdp_synapse_hom", "learning", {
            "lambda": q["lam"], "alpha": q["alpha"], "tau_plus": q["tau_plus"], "mu_plus": 1.0, "mu_minus": 1.0,
            "Wmax": q["w_max"]})
        nest.Connect(exc, exc, from_exc, {"synapse_model": "learning", "weight": q["j"], "delay": q["delay"]})
        wire(exc, inh, from_exc, q["j"], q["delay"])
    wire(inh, cells, from_inh, -q["g"] * q["j"], q["delay"])
    return cells


def column():
    """The microcircuit; every synapse has a weight and a delay."""
    global base_mb
    c = circuit(work.scale)
    cells = nest.Create("iaf_psc_exp", work.n, {
        "C_m": q["c"], "tau_m": q["tau"], "E_L": q["e_l"], "V_th": q["v_th"], "V_reset": q["v_reset"], "t_ref": q["t_ref"],
        "tau_syn_ex": q["tau_syn"], "tau_syn_in": q["tau_syn"]})
    cells.V_m = q["v0"] + q["v0_sd"] * rng.standard_normal(work.n)
    cells.I_e = np.repeat(c.current, c.sizes)
    ends = np.concatenate([[0], np.cumsum(c.sizes)])
    populations = [cells[int(a):int(b)] for a, b in zip(ends, ends[1:])]
    base_mb = resident_mb()
    for t, target in enumerate(populations):
        noise = nest.Create("poisson_generator", params={"rate": c.rates[t]})
        wire(noise, target, {"rule": "all_to_all"}, c.w_ext, q["delay_e"])
        for s, source in enumerate(populations):
            if c.numbers[t][s]:
                weight, delay = c.weights[t][s], c.delays[s]
                bound = {"min": 0.0} if weight > 0 else {"max": 0.0}
                nest.Connect(source, target, {"rule": "fixed_total_number", "N": c.numbers[t][s]}, {
                    "synapse_model": "static_synapse",
                    "weight": nest.math.redraw(nest.random.normal(weight, abs(weight) * q["w_sd"]),
                                               **{"min": -np.inf, "max": np.inf, **bound}),
                    "delay": nest.math.redraw(nest.random.normal(delay, delay * q["delay_sd"]), min=work.dt / 2, max=np.inf)})
    return cells


cells = {"brunel": random, "stdp": random, "microcircuit": column}.get(work.model, balanced)()
recorder = nest.Create("spike_recorder")
nest.Connect(cells, recorder)
nest.Prepare()
build_s = watch()
seen = False


def run() -> dict:
    global seen
    watch()
    nest.Run(work.duration)
    answer = {"loop_s": watch()}
    if not seen:
        events = recorder.events
        answer["trains"] = events["senders"] - cells[0].global_id, events["times"]
        if work.model == "stdp":
            # a weight as of the last spike of its source
            some = nest.GetConnections(cells[:100], cells[:work.n_exc], "learning")
            answer["weight"] = float(np.mean(some.get("weight")))
    seen = True
    return answer


serve("nest", nest.__version__, given, run, build_s, 0.0, import_s, base_mb=base_mb)
