"""Networks in ANNarchy: C++ is generated and compiled for every network; OpenMP for several threads.

Exponential Euler where equations are differential; v of brunel and stdp decays by a factor of one step, and its external
spikes are a binomial number.  stdp has an axonal delay.  Runs are consecutive stretches; the spikes of the first are counted.
build_s is Python, compile_s has the compiler and the making of the synapses, which ANNarchy does not tell apart.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

import math  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402

from serve import Stopwatch, arguments, resident_mb, serve  # noqa: E402

given = arguments(("default",))
work, q = given.work, given.work.constants
if work.model == "microcircuit":
    raise SystemExit("ANNarchy has no rule for a total number of synapses with repeated pairs.")
watch = Stopwatch()
import ANNarchy as ann  # noqa: E402
import numpy as np  # noqa: E402

import_s = watch()
folder = given.cache or tempfile.mkdtemp(prefix="annarchy_")
network = ann.Network(dt=work.dt, seed=given.seed)
network.config(num_threads=given.threads, dtype=ann.float32 if given.precision == "float32" else ann.float64,
               suppress_warnings=True)
rng = np.random.default_rng(given.seed)


def smooth(text: str, **start):
    return ann.Variable(text, method="exponential", **start)


def balanced():
    """CUBA, COBA and COBAHH: names without underscores where others clash with those in the generated C++."""
    decays = [smooth("taue*dg_exc/dt = -g_exc"), smooth("taui*dg_inh/dt = -g_inh")]
    values = {"taue": q["tau_e"], "taui": q["tau_i"], "El": q["e_l"]}
    if work.model == "cobahh":
        model = ann.Neuron(
            parameters={**values, "C": q["c"], "gl": q["g_l"], "gNa": q["g_na"], "gK": q["g_k"], "ENa": q["e_na"],
                        "EK": q["e_k"], "VT": q["v_t"], "Ee": q["e_e"], "Ei": q["e_i"], "Vs": q["level"]},
            equations=[
                "prev_v = v",
                "u = v - VT",
                "am = 0.32*(13.0 - u)/(exp((13.0 - u)/4.0) - 1.0)",
                "bm = 0.28*(u - 40.0)/(exp((u - 40.0)/5.0) - 1.0)",
                "ah = 0.128*exp((17.0 - u)/18.0)",
                "bh = 4.0/(1.0 + exp((40.0 - u)/5.0))",
                "an = 0.032*(15.0 - u)/(exp((15.0 - u)/5.0) - 1.0)",
                "bn = 0.5*exp((10.0 - u)/40.0)",
                smooth("C*dv/dt = gl*(El - v) + g_exc*(Ee - v) + g_inh*(Ei - v) - gNa*m*m*m*h*(v - ENa) - gK*n*n*n*n*(v - EK)"),
                smooth("dm/dt = am*(1.0 - m) - bm*m"), smooth("dh/dt = ah*(1.0 - h) - bh*h"),
                smooth("dn/dt = an*(1.0 - n) - bn*n"), *decays],
            spike="(v > Vs) and (prev_v <= Vs)", reset="", refractory=0.0)
        cells = network.create(work.n, model)
        cells.v = q["e_l"] - 5.0 + 5.0 * rng.standard_normal(work.n)
        cells.g_exc = np.maximum(40.0 + 15.0 * rng.standard_normal(work.n), 0.0)
        cells.g_inh = np.maximum(200.0 + 120.0 * rng.standard_normal(work.n), 0.0)
        return cells, q["w_e"], q["w_i"]
    values |= {"tau": q["tau"], "vth": q["v_th"], "vreset": q["v_reset"]}
    if work.model == "cuba":
        text, weights = "tau*dv/dt = El - v + g_exc - g_inh", (q["w_e"], -q["w_i"])
    else:
        values |= {"Ee": q["e_e"], "Ei": q["e_i"], "drive": q["drive"] / q["g_l"]}
        text = "tau*dv/dt = El - v + drive + g_exc*(Ee - v) + g_inh*(Ei - v)"
        weights = q["w_e"] / q["g_l"], q["w_i"] / q["g_l"]
    model = ann.Neuron(parameters=values, equations=[smooth(text), *decays], spike="v > vth", reset="v = vreset",
                       refractory=q["t_ref"])
    cells = network.create(work.n, model)
    cells.v = rng.uniform(q["v_reset"], q["v_th"], work.n)
    return cells, *weights


def random():
    """Brunel's network, and the one whose excitatory synapses learn."""
    model = ann.Neuron(
        parameters={"decay": math.exp(-work.dt / q["tau"]), "vth": q["v_th"], "vreset": q["v_reset"], "J": q["j"]},
        equations=[f"noise = Binomial({q['in_e']}, {q['rate'] / q['in_e'] * work.dt * 1e-3})",
                   "v = decay*v + g_exc - g_inh + J*noise"],
        spike="v > vth", reset="v = vreset", refractory=q["t_ref"])
    cells = network.create(work.n, model)
    cells.v = rng.uniform(0.0, q["v_th"], work.n)
    return cells


def learning():
    return ann.Synapse(
        parameters={"tplus": q["tau_plus"], "tminus": q["tau_minus"], "lam": q["lam"], "alpha": q["alpha"], "wmax": q["w_max"]},
        equations=[ann.Variable("tplus*da/dt = -a", method="event-driven"),
                   ann.Variable("tminus*db/dt = -b", method="event-driven")],
        pre_spike="g_target += w\na += 1.0\nw = w - lam*alpha*w*b",
        post_spike="b += 1.0\nw = clip(w + lam*(wmax - w)*a, 0.0, wmax)")


plastic = None
if work.model in ("brunel", "stdp"):
    cells = random()
    exc, inh = cells[:work.n_exc], cells[work.n_exc:]
    if work.model == "brunel":
        plan = [(exc, cells, "exc", q["in_e"], q["j"], None)]
    else:
        plan = [(exc, exc, "exc", q["in_e"], q["j"], learning()), (exc, inh, "exc", q["in_e"], q["j"], None)]
    plan.append((inh, cells, "inh", q["in_i"], q["g"] * q["j"], None))
    for source, target, kind, number, weight, rule in plan:
        made = network.connect(source, target, kind, **({"synapse": rule} if rule else {}))
        made.fixed_number_pre(number=number, weights=weight, delays=q["delay"])
        plastic = made if rule else plastic
else:
    cells, w_e, w_i = balanced()
    for source, kind, weight in ((cells[:work.n_exc], "exc", w_e), (cells[work.n_exc:], "inh", w_i)):
        made = network.connect(source, cells, kind)
        made.fixed_probability(probability=q["inputs"] / work.n, weights=weight, allow_self_connections=True)
monitor = network.monitor(cells, "spike")
build_s = watch()
base_mb = resident_mb()
network.compile(directory=folder + "/", silent=True)
compile_s = watch()
counted = False


def run() -> dict:
    global counted
    watch()
    network.simulate(work.duration)
    answer = {"loop_s": watch()}
    data = monitor.get("spike")
    if not counted:
        times, neurons = monitor.raster_plot(data)
        answer["trains"] = neurons, times
        if work.model == "stdp":
            answer["weight"] = float(np.mean([np.mean(dendrite.w) for dendrite in list(plastic)[:200]]))
    counted = True
    return answer


serve("annarchy", ann.__version__, given, run, build_s, compile_s, import_s, base_mb=base_mb)
if not given.cache:
    shutil.rmtree(folder, ignore_errors=True)
