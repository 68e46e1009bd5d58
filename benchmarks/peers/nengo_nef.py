"""Networks of ensembles in Nengo: its default solver, optimizer and seconds; no cache of decoders.

build_s is the making of the network and of its simulator, loop_s its steps.
"""

import os
import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from serve import Stopwatch, arguments, resident_mb, rss_mb, serve  # noqa: E402

given = arguments(("default",))
# before NumPy is loaded
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(given.threads)
watch = Stopwatch()
import nengo  # noqa: E402
import numpy as np  # noqa: E402
import scipy.linalg  # noqa: E402, F401
from coding import FAST, PROBE, RADIUS, SLOW, error, feedback, signal  # noqa: E402

import_s = watch()
work = given.work
nengo.rc["decoder_cache"]["enabled"] = "False"
base_mb = resident_mb()
values, fast, slow, filtered = signal(work), FAST / 1000, SLOW / 1000, nengo.Lowpass(PROBE / 1000)


def made(seed: int):
    """Return (network, probe)."""
    with nengo.Network(seed=seed) as network:
        # time is that of the end of the step
        u = nengo.Node(lambda t: values[max(round(1000 * t / work.dt) - 1, 0)], size_out=work.size)
        if work.model == "array":
            a = nengo.networks.EnsembleArray(work.each, work.ensembles, work.d)
            nengo.Connection(u, a.input, synapse=fast)
            return network, nengo.Probe(a.output, synapse=filtered)
        a = nengo.Ensemble(work.each, work.d, radius=RADIUS.get(work.model, 1.0))
        if work.model == "channel":
            b = nengo.Ensemble(work.each, work.d)
            nengo.Connection(u, a, synapse=fast)
            nengo.Connection(a, b, synapse=fast)
            return network, nengo.Probe(b, synapse=filtered)
        if work.model == "integrator":
            nengo.Connection(u, a, transform=slow, synapse=slow)
            nengo.Connection(a, a, synapse=slow)
        else:
            nengo.Connection(u, a, synapse=slow)
            nengo.Connection(a, a, function=feedback, synapse=slow)
        return network, nengo.Probe(a, synapse=filtered)


def build(seed: int):
    """Return (simulator, probe, seconds)."""
    watch()
    network, probe = made(seed)
    sim = nengo.Simulator(network, dt=work.dt / 1000, progress_bar=False)
    return sim, probe, watch()


sim, probe, build_s = build(given.seed)
runs = 0


def run() -> dict:
    global sim, probe, build_s, runs
    if runs:
        if work.again:
            sim.close()
            sim, probe, build_s = build(given.seed + runs)
        else:
            sim.reset()
    runs += 1
    watch()
    sim.run_steps(work.steps, progress_bar=False)
    took, peak = watch(), rss_mb()
    return {"loop_s": took, "build_s": build_s, "error": error(work, np.array(sim.data[probe])), "spikes": None, "rss_mb": peak,
            "keep_rss": True}


serve("nengo", nengo.__version__, given, run, build_s, 0.0, import_s, base_mb=base_mb)
