"""Networks in neurosim: built-in neurons, receptors and rules; every run starts from the same state.

compile_s is a network of the same structure with few neurons, which compiles everything or loads what an earlier process has
compiled.  build_s is the first step of the network itself: checks, drawing and sorting of connections, memory.  A run goes on
from there; the connections are shared, everything else of the call of `simulate` is in it.

stdp: `built-in` has an axonal delay, `dendritic` has it behind the synapse as in NEST.  `own` holds the synaptic variables in
the equations of the neuron (cuba, coba).
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
    """CUBA, COBA and COBAHH; nA and uS."""
    stimuli, start, n_exc = [], ns.Uniform(q.get("v_reset", 0.0), q.get("v_th", 0.0)), n * 4 // 5
    if work.model == "cobahh":
        # all values of the model are those of the benchmark
        model = ns.TraubMiles()
        start = ns.Normal(q["e_l"] - 5.0, 5.0)
    elif given.mode == "own":
        force = "g_e + g_i" if work.model == "cuba" else "drive + g_e*(e_e - v) + g_i*(e_i - v)"
        model = ns.NeuronModel.from_equations(
            f"dv/dt = (e_l - v + {force})/tau : mV (unless refractory)\n"
            "dg_e/dt = -g_e/tau_e\ndg_i/dt = -g_i/tau_i",
            threshold="v > v_th", reset="v = v_reset", refractory="t_ref",
            parameters={k: q[k] for k in ("e_l", "v_th", "v_reset", "t_ref", "tau", "tau_e", "tau_i", *(
                () if work.model == "cuba" else ("e_e", "e_i")))} | ({} if work.model == "cuba" else {"drive": 20.0}))
    else:
        model = leaky(r_m=1e3 / q["g_l"], v_rest=q["e_l"])
    cells = ns.Population(n, model, name="cells", initial={"v": start})
    if given.mode == "own":
        scale = 1.0 if work.model == "cuba" else 1 / q["g_l"]
        kinds = [ns.Delta(q["w_e"] * scale, variable="g_e"), ns.Delta(q["w_i"] * scale, variable="g_i")]
    elif work.model == "cuba":
        scale = 1e-3 * q["g_l"]
        kinds = [ns.Exponential(q["w_e"] * scale, q["tau_e"]), ns.Exponential(q["w_i"] * scale, q["tau_i"])]
    else:
        kinds = [ns.Exponential(1e-3 * q["w_e"], q["tau_e"], q["e_e"]), ns.Exponential(1e-3 * q["w_i"], q["tau_i"], q["e_i"])]
        if work.model == "coba":
            stimuli = [ns.DC(1e-3 * q["drive"], target=cells)]
    rule = ns.Bernoulli(min(1.0, q["inputs"] / n))
    projections = [ns.Projection(part, cells, rule, kind, delay=q["delay"], name=name)
                   for part, kind, name in zip((cells[:n_exc], cells[n_exc:]), kinds, "EI")]
    if work.model == "cobahh":
        # conductances are under way at the beginning: one spike of random weight for each neuron, as in NEST
        kick = ns.Population(n, ns.NeuronModel.from_equations("dx/dt = 0", threshold="x > 0", reset="x = 0", initial={"x": 1.0},
                                                              name="Once"), name="kick")
        for kind, mean, sd in ((kinds[0], 0.040, 0.015), (kinds[1], 0.200, 0.120)):
            first = ns.Exponential(ns.Normal(mean, sd, low=0.0), kind.tau_syn, kind.e_rev)
            projections.append(ns.Projection(kick, cells, ns.OneToOne(), first, delay=q["delay"], name=f"kick{mean}"))
        return ns.Network([cells, kick], projections, stimuli=stimuli)
    return ns.Network([cells], projections, stimuli=stimuli)


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
    """The microcircuit; nA."""
    c = circuit(work.scale * n / work.n)
    values = {"tau_m": q["tau"], "r_m": 1e3 * q["tau"] / q["c"], "v_rest": q["e_l"], "v_th": q["v_th"], "v_reset": q["v_reset"],
              "t_ref": q["t_ref"]}
    groups = [ns.Population(size, ns.LIF(**values), name=name, initial={"v": ns.Normal(q["v0"], q["v0_sd"])})
              for size, name in zip(c.sizes, q["names"])]
    projections, stimuli = [], []
    for t, target in enumerate(groups):
        stimuli += [ns.PoissonInput(rate=c.rates[t], weight=1e-3 * c.w_ext, target=target, variable="x"),
                    ns.DC(1e-3 * c.current[t], target=target)]
        for s, source in enumerate(groups):
            if c.numbers[t][s]:
                mean, delay = 1e-3 * c.weights[t][s], c.delays[s]
                bound = {"low": 0.0} if mean > 0 else {"high": 0.0}
                projections.append(ns.Projection(
                    source, target, ns.FixedTotalNumber(c.numbers[t][s], multapses=True),
                    ns.Exponential(ns.Normal(mean, abs(mean) * q["w_sd"], **bound), q["tau_syn"]),
                    delay=ns.Normal(delay, delay * q["delay_sd"], low=work.dt)))
    return ns.Network(groups, projections, stimuli=stimuli)


make = {"brunel": random, "stdp": random, "microcircuit": column}.get(work.model, balanced)
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
    return {"loop_s": took - result.compile_s, "trains": trains(begun, result), "compile_s": compile_s + result.compile_s}


serve("neurosim", ns.__version__, given, run, build_s, compile_s, import_s, base_mb=base_mb)
