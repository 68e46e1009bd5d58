"""Networks of ensembles in neurosim.

compile_s is a network of the same structure with 100 neurons an ensemble in a process of its own, from its start to its end,
which compiles everything or finds what an earlier one has compiled. The process that is measured then does the same again, and
so has neither a compiler nor its memory. build_s is the making of the network, its build and its first step; nothing is read
from or kept in the cache of decoders, and what was in memory is forgotten. loop_s is all else that `simulate` does.
"""

import math
import os
import subprocess
import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from serve import Stopwatch, arguments, resident_mb, rss_mb, serve  # noqa: E402

given = arguments(("built-in",))
# before NumPy is loaded
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(given.threads)
watch = Stopwatch()
try:
    import neurosim as ns
except ImportError:
    sys.path.insert(1, str(Path(__file__).resolve().parents[2]))
    import neurosim as ns
import numpy as np  # noqa: E402
from coding import FAST, PROBE, RADIUS, SLOW, error, feedback, signal  # noqa: E402

from neurosim import nef  # noqa: E402
from neurosim.nef import decoders  # noqa: E402

import_s = watch()
work = given.work
# no decoders on disk
decoders.WORTH = math.inf


def made(each: int) -> nef.Network:
    """Return the network with so many neurons in an ensemble."""
    u = nef.Node(nef.Samples(signal(work), work.dt))
    if work.model == "array":
        a = nef.EnsembleArray(each, work.ensembles, work.d)
        return nef.Network([u, a], [nef.Connection(u, a, synapse=FAST)], [nef.Probe(a, synapse=PROBE, name="out")])
    a = nef.Ensemble(each, work.d, radius=RADIUS.get(work.model, 1.0))
    if work.model == "channel":
        b = nef.Ensemble(each, work.d)
        wires = [nef.Connection(u, a, synapse=FAST), nef.Connection(a, b, synapse=FAST)]
        return nef.Network([u, a, b], wires, [nef.Probe(b, synapse=PROBE, name="out")])
    if work.model == "integrator":
        wires = [nef.Connection(u, a, transform=SLOW / 1000, synapse=SLOW), nef.Connection(a, a, synapse=SLOW)]
    else:
        wires = [nef.Connection(u, a, synapse=SLOW), nef.Connection(a, a, function=feedback, synapse=SLOW)]
    return nef.Network([u, a], wires, [nef.Probe(a, synapse=PROBE, name="out")])


options = {"dt": work.dt, "threads": given.threads, "dtype": given.precision, "progress": False}


def build(seed: int):
    """Return (network, result of the first step, seconds, seconds of compiling)."""
    decoders.forget()
    watch()
    network = made(work.each)
    begun = nef.simulate(network, work.dt, seed=seed, **options)
    return network, begun, watch()


# as many neurons as it takes for every compiled function to be used
few = made(100)
compile_s = 0.0
if "NEUROSIM_COMPILE_ONLY" not in os.environ:
    watch()
    subprocess.run([sys.executable, *sys.argv], env={**os.environ, "NEUROSIM_COMPILE_ONLY": "1"}, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, check=True)
    compile_s = watch()
nef.simulate(few, work.dt, **options, resume=nef.simulate(few, work.dt, **options))
if "NEUROSIM_COMPILE_ONLY" in os.environ:
    sys.exit()
base_mb = resident_mb()
network, begun, build_s = build(given.seed)
runs = 0


def run() -> dict:
    global network, begun, build_s, runs
    if runs and work.again:
        network, begun, build_s = build(given.seed + runs)
    runs += 1
    watch()
    result = nef.simulate(network, work.duration - work.dt, resume=begun, **options)
    took, peak = watch(), rss_mb()
    output = np.concatenate([begun["out"].values, result["out"].values])
    return {"loop_s": took, "build_s": build_s, "error": error(work, output), "spikes": None, "rss_mb": peak, "keep_rss": True}


serve("neurosim", ns.__version__, given, run, build_s, compile_s, import_s, base_mb=base_mb)
