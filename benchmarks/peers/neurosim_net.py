"""Networks in neurosim: built-in neurons, receptors and rules; every run starts from the same state.

compile_s is a network of the same structure with few neurons, which compiles everything or loads what an earlier process has
compiled.  build_s is the first step of the network itself: checks, drawing and sorting of connections, memory.  A run goes on
from there; the connections are shared, everything else of the call of `simulate` is in it.

stdp: `built-in` has an axonal delay, `dendritic` has it behind the synapse as in NEST.  `own` holds the synaptic variables in
the equations of the neuron (cuba, coba), which gives the same spikes.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from networks import circuit  # noqa: E402
from serve import Stopwatch, arguments, resident_mb, serve  # noqa: E402

given = arguments(("built-in", "dendritic", "own"))
work, q = given.work, given.work.constants
watch = Stopwatch()
try:
    import neurosim as ns
except ImportError:
    # a checkout that is not installed
    sys.path.insert(1, str(Path(__file__).resolve().parents[2]))
    import neurosim as ns

import_s = watch()


def leaky(v_rest: float = 0.0, **more):
    return ns.LIF(tau_m=q["tau"], v_rest=v_rest, v_th=q["v_th"], v_reset=q["v_reset"], t_ref=q["t_ref"], **more)


def balanced(n: int) -> ns.Network:
    """CUBA and COBA: LIF with receptors, or with the synaptic variables as states of its own; nA, uS or mV."""
    n_exc, coba = n * 4 // 5, work.model == "coba"
    if given.mode == "own":
        force = "drive + g_e*(e_e - v) + g_i*(e_i - v)" if coba else "g_e + g_i"
        names = ("e_l", "v_th", "v_reset", "t_ref", "tau", "tau_e", "tau_i", *(("e_e", "e_i") if coba else ()))
        model = ns.NeuronModel.from_equations(
            f"dv/dt = (e_l - v + {force})/tau : mV (unless refractory)\ndg_e/dt = -g_e/tau_e\ndg_i/dt = -g_i/tau_i",
            threshold="v > v_th", reset="v = v_reset", refractory="t_ref",
            parameters={k: q[k] for k in names} | ({"drive": q["drive"] / q["g_l"]} if coba else {}))
        scale = 1 / q["g_l"] if coba else 1.0
        kinds = [ns.Delta(q["w_e"] * scale, variable="g_e"), ns.Delta(q["w_i"] * scale, variable="g_i")]
    else:
        model = leaky(q["e_l"], r_m=1e3 / q["g_l"])
        scale = 1e-3 if coba else 1e-3 * q["g_l"]
        kinds = [ns.Exponential(q["w_e"] * scale, q["tau_e"], q["e_e"] if coba else None),
                 ns.Exponential(q["w_i"] * scale, q["tau_i"], q["e_i"] if coba else None)]
    cells = ns.Population(n, model, name="cells", initial={"v": ns.Uniform(q["v_reset"], q["v_th"])})
    stimuli = [ns.DC(1e-3 * q["drive"], target=cells)] if coba and given.mode != "own" else []
    return ns.Network([cells], both(cells, n_exc, kinds), stimuli=stimuli)


def both(cells, n_exc: int, kinds: list) -> list:
    rule = ns.Bernoulli(min(1.0, q["inputs"] / cells.size))
    return [ns.Projection(part, cells, rule, kind, delay=q["delay"], name=name)
            for part, kind, name in zip((cells[:n_exc], cells[n_exc:]), kinds, "EI")]


def channels(n: int) -> ns.Network:
    """COBAHH: conductances are states of the neuron, as they are under way at the beginning; pA, nS, pF."""
    import numpy as np

    model = ns.NeuronModel.from_equations(
        """
        u = v - v_t : mV
        am = 1.28/ms/exprel((13*mV - u)/(4*mV)) : 1/ms
        bm = 1.4/ms/exprel((u - 40*mV)/(5*mV)) : 1/ms
        ah = 0.128/ms*exp((17*mV - u)/(18*mV)) : 1/ms
        bh = 4/ms/(1 + exp((40*mV - u)/(5*mV))) : 1/ms
        an = 0.16/ms/exprel((15*mV - u)/(5*mV)) : 1/ms
        bn = 0.5/ms*exp((10*mV - u)/(40*mV)) : 1/ms
        dv/dt = (g_l*(e_l - v) + g_e*(e_e - v) + g_i*(e_i - v) - g_na*m**3*h*(v - e_na) - g_k*n**4*(v - e_k))/c : mV
        dm/dt = am*(1 - m) - bm*m : 1
        dh/dt = ah*(1 - h) - bh*h : 1
        dn/dt = an*(1 - n) - bn*n : 1
        dg_e/dt = -g_e/tau_e : nS
        dg_i/dt = -g_i/tau_i : nS
        """,
        threshold="v > level", refractory="t_ref", name="COBAHH",
        parameters={k: q[k] for k in ("c", "g_l", "g_na", "g_k", "e_l", "e_na", "e_k", "v_t", "e_e", "e_i", "tau_e", "tau_i",
                                      "level", "t_ref")},
        units={"c": "pF", **{k: "nS" for k in ("g_l", "g_na", "g_k")}, **{k: "ms" for k in ("tau_e", "tau_i", "t_ref")},
               **{k: "mV" for k in ("e_l", "e_na", "e_k", "v_t", "e_e", "e_i", "level")}})
    rng = np.random.default_rng(given.seed)
    start = {"v": ns.Normal(q["e_l"] - 5.0, 5.0), "g_e": np.maximum(40.0 + 15.0 * rng.standard_normal(n), 0.0),
             "g_i": np.maximum(200.0 + 120.0 * rng.standard_normal(n), 0.0)}
    cells = ns.Population(n, model, name="cells", initial=start)
    kinds = [ns.Delta(q["w_e"], variable="g_e"), ns.Delta(q["w_i"], variable="g_i")]
    return ns.Network([cells], both(cells, n * 4 // 5, kinds))


def random(n: int) -> ns.Network:
    """Brunel's network, and the one whose excitatory synapses learn; mV."""
    n_exc = n * 4 // 5
    in_e, in_i = min(q["in_e"], n_exc), min(q["in_i"], n - n_exc)
    cells = ns.Population(n, leaky(), name="cells", initial={"v": ns.Uniform(0.0, q["v_th"])})
    exc, inh = cells[:n_exc], cells[n_exc:]
    delay, up, down = q["delay"], ns.Delta(q["j"]), ns.Delta(-q["g"] * q["j"])
    noise = ns.PoissonInput(rate=q["rate"], weight=q["j"], target=cells)
    projections = [ns.Projection(inh, cells, ns.FixedInDegree(in_i), down, delay=delay, name="I")]
    if work.model == "brunel":
        projections.append(ns.Projection(exc, cells, ns.FixedInDegree(in_e), up, delay=delay, name="E"))
    else:
        rule = ns.STDP(weight_dependence="multiplicative", a_plus=q["lam"], a_minus=q["lam"] * q["alpha"], w_max=q["w_max"],
                       tau_plus=q["tau_plus"], tau_minus=q["tau_minus"])
        projections += [
            ns.Projection(exc, exc, ns.FixedInDegree(in_e), up, delay=delay, plasticity=rule, name="EE",
                          dendritic_delay=delay if given.mode == "dendritic" else 0.0),
            ns.Projection(exc, inh, ns.FixedInDegree(in_e), up, delay=delay, name="EI")]
    return ns.Network([cells], projections, stimuli=[noise])


def column(n: int) -> ns.Network:
    """The microcircuit; the current is a state of the neuron, so that the external spikes can add to it; nA."""
    c = circuit(work.scale * n / work.n)
    model = ns.NeuronModel.from_equations(
        "dv/dt = (e_l - v)/tau + (x + current)/c : mV (unless refractory)\ndx/dt = -x/tau_syn : nA",
        threshold="v > v_th", reset="v = v_reset", refractory="t_ref", name="LIF",
        parameters={**{k: q[k] for k in ("e_l", "v_th", "v_reset", "t_ref", "tau", "tau_syn")}, "c": 1e-3 * q["c"],
                    "current": 0.0},
        units={"tau": "ms", "tau_syn": "ms", "t_ref": "ms", "c": "nF", "current": "nA",
               **{k: "mV" for k in ("e_l", "v_th", "v_reset")}})
    groups = [ns.Population(size, model, name=name, parameters={"current": 1e-3 * current},
                            initial={"v": ns.Normal(q["v0"], q["v0_sd"])})
              for size, name, current in zip(c.sizes, q["names"], c.current)]
    projections, stimuli = [], []
    for t, target in enumerate(groups):
        stimuli.append(ns.PoissonInput(rate=c.rates[t], weight=1e-3 * c.w_ext, target=target, variable="x"))
        for s, source in enumerate(groups):
            if c.numbers[t][s]:
                mean, delay = 1e-3 * c.weights[t][s], c.delays[s]
                bound = {"low": 0.0} if mean > 0 else {"high": 0.0}
                projections.append(ns.Projection(
                    source, target, ns.FixedTotalNumber(c.numbers[t][s], multapses=True),
                    ns.Delta(ns.Normal(mean, abs(mean) * q["w_sd"], **bound), variable="x"),
                    delay=ns.Normal(delay, delay * q["delay_sd"], low=work.dt)))
    return ns.Network(groups, projections, stimuli=stimuli)


make = {"brunel": random, "stdp": random, "cobahh": channels, "microcircuit": column}.get(work.model, balanced)
options = {"dt": work.dt, "threads": given.threads, "dtype": given.precision, "progress": False, "seed": given.seed}
compile_s, whole = 0.0, work.name == "first_spike"
if not whole:
    few = make(640 if work.model != "microcircuit" else work.n // 100)
    ns.simulate(few, work.dt, **options, resume=ns.simulate(few, work.dt, **options))
    compile_s = watch()
base_mb = resident_mb()
network = make(work.n)
begun = None if whole else ns.simulate(network, work.dt, **options)
build_s = watch()


def trains(*results):
    """Return the spikes of all populations, numbered through."""
    import numpy as np

    neurons, times, start = [], [], 0
    for population in network.populations[:len(work.groups) if work.model == "microcircuit" else 1]:
        for result in results:
            found = result.spikes[population.name]
            neurons.append(np.asarray(found.indices, np.int64) + start)
            times.append(found.times)
        start += population.size
    return np.concatenate(neurons), np.concatenate(times)


def run() -> dict:
    watch()
    if whole:
        result = ns.simulate(network, work.duration, **options)
        return {"loop_s": watch(), "trains": trains(result)}
    result = ns.simulate(network, work.duration - work.dt, resume=begun, **options)
    took = watch()
    answer = {"loop_s": took - result.compile_s, "trains": trains(begun, result), "compile_s": compile_s + result.compile_s}
    return answer | ({"weight": float(result.connections["EE"].weight.mean())} if work.model == "stdp" else {})


serve("neurosim", ns.__version__, given, run, build_s, compile_s, import_s, base_mb=base_mb)
