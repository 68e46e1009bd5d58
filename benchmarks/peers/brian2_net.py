"""Networks in Brian2: a C++ program, with OpenMP for several threads; synapses are sorted by their source.

Brian2 makes the synapses of a probability source by source.  A fixed in-degree it would make target by target, and then take
twice as long to deliver; here it gets the same rule as arrays sorted by source.  build_s is Python, code generation and what
the program does before and after its loop (it makes the synapses at every start), compile_s is make, loop_s the loop as the
program itself reports it.  Every run starts the program again, with another seed.

stdp: `cpp` has one pathway with an axonal delay; `dendritic` has the delay behind the synapse as in NEST, two pathways.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

import os  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402

from networks import circuit, circuit_synapses, in_degree  # noqa: E402
from serve import Stopwatch, arguments, serve  # noqa: E402

given = arguments(("cpp", "dendritic"))
work, q = given.work, given.work.constants
watch = Stopwatch()
import brian2 as b2  # noqa: E402
import numpy as np  # noqa: E402
from brian2 import Hz, ms, mV, nS, pA, pF  # noqa: E402

import_s = watch()
folder = given.cache or tempfile.mkdtemp(prefix="brian2_")
b2.set_device("cpp_standalone", build_on_run=False, directory=folder)
b2.prefs.devices.cpp_standalone.openmp_threads = given.threads if given.threads > 1 else 0
if given.precision == "float32":
    b2.prefs.core.default_float_dtype = np.float32
b2.defaultclock.dt = work.dt*ms
rng = np.random.default_rng(given.seed)
# Brian2 integrates one step earlier after a spike than the others for the same number
held = (q["t_ref"] + work.dt)*ms


def balanced() -> list:
    """CUBA, COBA and COBAHH: two kinds of synapses at random, by a probability."""
    space = {"tau_e": q["tau_e"]*ms, "tau_i": q["tau_i"]*ms}
    if work.model == "cobahh":
        space |= {"c": q["c"]*pF, **{k: q[k]*nS for k in ("g_l", "g_na", "g_k", "w_e", "w_i")},
                  **{k: q[k]*mV for k in ("e_l", "e_na", "e_k", "v_t", "e_e", "e_i", "level")}}
        cells = b2.NeuronGroup(work.n, """
            dv/dt = (g_l*(e_l - v) + ge*(e_e - v) + gi*(e_i - v)
                     - g_na*(m*m*m)*h*(v - e_na) - g_k*(n*n*n*n)*(v - e_k))/c : volt
            dm/dt = am*(1 - m) - bm*m : 1
            dh/dt = ah*(1 - h) - bh*h : 1
            dn/dt = an*(1 - n) - bn*n : 1
            dge/dt = -ge/tau_e : siemens
            dgi/dt = -gi/tau_i : siemens
            u = (v - v_t)/mV : 1
            am = 1.28/exprel((13 - u)/4)/ms : Hz
            bm = 1.4/exprel((u - 40)/5)/ms : Hz
            ah = 0.128*exp((17 - u)/18)/ms : Hz
            bh = 4/(1 + exp((40 - u)/5))/ms : Hz
            an = 0.16/exprel((15 - u)/5)/ms : Hz
            bn = 0.5*exp((10 - u)/40)/ms : Hz
            """, threshold="v > level", refractory=q["t_ref"]*ms, method="exponential_euler", namespace=space)
        cells.v = "e_l + (5*randn() - 5)*mV"
        cells.ge = "clip(40 + 15*randn(), 0, inf)*nS"
        cells.gi = "clip(200 + 120*randn(), 0, inf)*nS"
    else:
        space |= {"tau": q["tau"]*ms, **{k: q[k]*mV for k in ("e_l", "v_th", "v_reset")}}
        if work.model == "cuba":
            space |= {"w_e": q["w_e"]*mV, "w_i": q["w_i"]*mV}
            text, unit, method = "dv/dt = (e_l - v + ge + gi)/tau : volt (unless refractory)", "volt", "exact"
        else:
            space |= {"w_e": q["w_e"]/q["g_l"], "w_i": q["w_i"]/q["g_l"], "drive": q["drive"]/q["g_l"]*mV,
                      "e_e": q["e_e"]*mV, "e_i": q["e_i"]*mV}
            text = "dv/dt = (e_l - v + drive + ge*(e_e - v) + gi*(e_i - v))/tau : volt (unless refractory)"
            unit, method = "1", "exponential_euler"
        cells = b2.NeuronGroup(work.n, f"{text}\ndge/dt = -ge/tau_e : {unit}\ndgi/dt = -gi/tau_i : {unit}",
                               threshold="v > v_th", reset="v = v_reset", refractory=held, method=method, namespace=space)
        cells.v = "v_reset + rand()*(v_th - v_reset)"
    parts = [cells]
    for source, statement in ((cells[:work.n_exc], "ge_post += w_e"), (cells[work.n_exc:], "gi_post += w_i")):
        synapses = b2.Synapses(source, cells, on_pre=statement, delay=q["delay"]*ms, namespace=space)
        synapses.connect(p=q["inputs"] / work.n)
        parts.append(synapses)
    return parts


def drawn(synapses, n_pre: int, n_post: int, k: int):
    """Connect with a fixed in-degree, sorted by source."""
    sources, targets = in_degree(rng, n_pre, n_post, k)
    synapses.connect(i=sources, j=targets)


def random() -> list:
    """Brunel's network, and the one whose excitatory synapses learn."""
    space = {"tau": q["tau"]*ms, "v_th": q["v_th"]*mV, "v_reset": q["v_reset"]*mV, "w_e": q["j"]*mV, "w_i": -q["g"]*q["j"]*mV}
    cells = b2.NeuronGroup(work.n, "dv/dt = -v/tau : volt (unless refractory)", threshold="v > v_th", reset="v = v_reset",
                           refractory=held, method="exact", namespace=space)
    cells.v = "rand()*v_th"
    exc, inh, n_inh = cells[:work.n_exc], cells[work.n_exc:], work.n - work.n_exc
    noise = b2.PoissonInput(cells, "v", N=q["in_e"], rate=q["rate"]/q["in_e"]*Hz, weight=q["j"]*mV)
    delay = q["delay"]*ms
    from_inh = b2.Synapses(inh, cells, on_pre="v_post += w_i", delay=delay, namespace=space)
    drawn(from_inh, n_inh, work.n, q["in_i"])
    if work.model == "brunel":
        from_exc = b2.Synapses(exc, cells, on_pre="v_post += w_e", delay=delay, namespace=space)
        drawn(from_exc, work.n_exc, work.n, q["in_e"])
        return [cells, noise, from_inh, from_exc]
    to_inh = b2.Synapses(exc, inh, on_pre="v_post += w_e", delay=delay, namespace=space)
    drawn(to_inh, work.n_exc, n_inh, q["in_e"])
    space |= {"tau_plus": q["tau_plus"]*ms, "tau_minus": q["tau_minus"]*ms, "w_max": q["w_max"]*mV,
              "lam": q["lam"], "alpha": q["alpha"]}
    down, up = "a += 1\nw -= lam*alpha*w*b", "b += 1\nw = clip(w + lam*(w_max - w)*a, 0*volt, w_max)"
    rule = """w : volt
              da/dt = -a/tau_plus : 1 (event-driven)
              db/dt = -b/tau_minus : 1 (event-driven)"""
    if given.mode == "dendritic":
        plastic = b2.Synapses(exc, exc, rule, on_pre={"down": down, "send": "v_post += w"}, on_post={"up": up},
                              delay={"send": delay, "up": delay}, namespace=space)
    else:
        plastic = b2.Synapses(exc, exc, rule, on_pre="v_post += w\n" + down, on_post=up, delay=delay, namespace=space)
    drawn(plastic, work.n_exc, work.n_exc, q["in_e"])
    plastic.w = q["j"]*mV
    return [cells, noise, from_inh, to_inh, plastic]


def column() -> list:
    """The microcircuit; one list of synapses for all pairs of populations."""
    c = circuit(work.scale)
    space = {"tau": q["tau"]*ms, "tau_syn": q["tau_syn"]*ms, "c": q["c"]*pF, **{k: q[k]*mV for k in ("e_l", "v_th", "v_reset")}}
    cells = b2.NeuronGroup(work.n, """dv/dt = (e_l - v)/tau + (x + current)/c : volt (unless refractory)
                                      dx/dt = -x/tau_syn : amp
                                      current : amp (constant)""", threshold="v > v_th", reset="v = v_reset",
                           refractory=held, method="exact", namespace=space)
    cells.v = q["v0"]*mV + q["v0_sd"]*mV*rng.standard_normal(work.n)
    cells.current = np.repeat(c.current, c.sizes)*pA
    synapses = b2.Synapses(cells, cells, "w : amp", on_pre="x_post += w")
    sources, targets, weights, delays = circuit_synapses(rng, c, work.dt)
    synapses.connect(i=sources, j=targets)
    synapses.w = weights*pA
    synapses.delay = delays*ms
    parts, start = [cells, synapses], 0
    for size, external in zip(c.sizes, q["external"]):
        inputs = max(1, round(external * work.scale))
        parts.append(b2.PoissonInput(cells[start:start + size], "x", N=inputs, rate=q["background"]*Hz, weight=c.w_ext*pA))
        start += size
    return parts


objects = {"brunel": random, "stdp": random, "microcircuit": column}.get(work.model, balanced)()
spikes = b2.SpikeMonitor(objects[0])
network = b2.Network(objects, spikes)
network.run(work.duration*ms)
b2.device.build(compile=False, run=False, directory=folder)
build_s = watch()
subprocess.run(["make", "-j2"], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
compile_s = watch()
# a small process starts the program: the peak memory of a child is never below that of its parent
HELPER = """import os, time
began = time.perf_counter()
pid = os.posix_spawn('./main', ['./main'], os.environ)
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - began, usage.ru_maxrss)
raise SystemExit(1 if status else 0)"""


def run() -> dict:
    out = subprocess.run([sys.executable, "-S", "-c", HELPER], cwd=folder, check=True, capture_output=True, text=True)
    took, kilobytes = (float(x) for x in out.stdout.split()[-2:])
    loop_s = float(Path(folder, "results", "last_run_info.txt").read_text().split()[0])
    b2.get_device().has_been_run = True
    trains = np.asarray(spikes.i[:]), np.asarray(spikes.t/ms)
    more = {"weight": float(np.mean(objects[-1].w[:]/mV))} if work.model == "stdp" else {}
    return {**more, "loop_s": loop_s, "trains": trains, "rss_mb": kilobytes / 1024, "keep_rss": True,
            "build_s": build_s + took - loop_s}


# the program without synapses takes 7 MiB
serve("brian2", b2.__version__, given, run, build_s, compile_s, import_s, base_mb=7.0)
if not given.cache:
    shutil.rmtree(folder, ignore_errors=True)
sys.stdout.flush()
# Brian2's standalone device complains at exit about arrays it was not asked for
os._exit(0)
