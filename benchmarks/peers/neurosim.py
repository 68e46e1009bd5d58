"""neurosim with its built-in models; every run starts from the initial state."""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from serve import Stopwatch, arguments, serve  # noqa: E402
from work import HH, LIF  # noqa: E402

given = arguments(("built-in",))
work = given.work
watch = Stopwatch()
try:
    import neurosim as ns
except ImportError:
    # a checkout that is not installed
    sys.path.insert(1, str(Path(__file__).resolve().parents[2]))
    import neurosim as ns

import_s = watch()
if work.model == "hh":
    model = ns.HodgkinHuxley(v_th=HH["level"])
    current = work.input()
else:
    model = ns.LIF(tau_m=LIF["tau"], r_m=10.0, v_rest=LIF["v_rest"], v_th=LIF["v_th"], v_reset=LIF["v_reset"],
                   t_ref=LIF["t_ref"])
    current = work.input() / 10.0
cells = ns.Population(work.n, model, name="cells")
network = ns.Network([cells], stimuli=[ns.DC(current, target=cells)])
options = {"dt": work.dt, "threads": given.threads, "dtype": given.precision, "progress": False}
build_s = watch()
# one step compiles, or loads what an earlier process has compiled
ns.simulate(network, work.dt, **options) if work.name != "tiny" else None
compile_s = watch()


def run() -> dict:
    watch()
    result = ns.simulate(network, work.duration, **options)
    took = watch()
    return {"loop_s": took - result.compile_s, "spikes": len(result.spikes["cells"]),
            "compile_s": compile_s + result.compile_s}


serve("neurosim", ns.__version__, given, run, build_s, compile_s, import_s)
