"""Brian2: generated NumPy or Cython code, or a C++ program (with OpenMP for several threads).

cpp: build_s is Python and code generation, compile_s is make; loop_s is the loop as the program itself reports it, and
every run starts the program again.  numpy, cython: every run restores the initial state; Cython compiles while it builds.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

import os  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402

from serve import Stopwatch, arguments, serve  # noqa: E402
from work import HH, LIF  # noqa: E402

given = arguments(("cpp", "cython", "numpy"))
work = given.work
watch = Stopwatch()
import brian2 as b2  # noqa: E402
import numpy as np  # noqa: E402
from brian2 import cm, ms, mV, siemens, uA, uF  # noqa: E402

import_s = watch()
folder = given.cache or tempfile.mkdtemp(prefix="brian2_")
if given.mode == "cpp":
    b2.set_device("cpp_standalone", build_on_run=False, directory=folder)
    b2.prefs.devices.cpp_standalone.openmp_threads = given.threads if given.threads > 1 else 0
else:
    b2.prefs.codegen.target = given.mode
    if given.cache and given.mode == "cython":
        b2.prefs.codegen.runtime.cython.cache_dir = folder
if given.precision == "float32":
    b2.prefs.core.default_float_dtype = np.float32
b2.defaultclock.dt = work.dt*ms
if work.model == "hh":
    density = 1e-3*siemens/cm**2
    space = {"c": HH["c"]*uF/cm**2, "g_na": HH["g_na"]*density, "g_k": HH["g_k"]*density, "g_l": HH["g_l"]*density,
             "e_na": HH["e_na"]*mV, "e_k": HH["e_k"]*mV, "e_l": HH["e_l"]*mV, "level": HH["level"]*mV}
    group = b2.NeuronGroup(work.n, """
        dv/dt = (I - g_l*(v - e_l) - g_na*(m*m*m)*h*(v - e_na) - g_k*(n*n*n*n)*(v - e_k))/c : volt
        dm/dt = am*(1 - m) - bm*m : 1
        dh/dt = ah*(1 - h) - bh*h : 1
        dn/dt = an*(1 - n) - bn*n : 1
        x = v/mV : 1
        am = 1/exprel(-(x + 40)/10)/ms : Hz
        bm = 4*exp(-(x + 65)/18)/ms : Hz
        ah = 0.07*exp(-(x + 65)/20)/ms : Hz
        bh = 1/(1 + exp(-(x + 35)/10))/ms : Hz
        an = 0.1/exprel(-(x + 55)/10)/ms : Hz
        bn = 0.125*exp(-(x + 65)/80)/ms : Hz
        I : amp/meter**2 (constant)
        """, threshold="v > level", refractory="v > level", method="exponential_euler", namespace=space)
    group.v = HH["v"]*mV
    group.m, group.h, group.n = HH["m"], HH["h"], HH["n"]
    group.I = work.input()*uA/cm**2
else:
    space = {"tau": LIF["tau"]*ms, "v_rest": LIF["v_rest"]*mV, "v_th": LIF["v_th"]*mV, "v_reset": LIF["v_reset"]*mV}
    # Brian2 integrates one step earlier after a spike than the others for the same number
    group = b2.NeuronGroup(work.n, """dv/dt = (v_rest - v + drive)/tau : volt (unless refractory)
                                      drive : volt (constant)""", threshold="v > v_th", reset="v = v_reset",
                           refractory=(LIF["t_ref"] + work.dt)*ms, method="exact", namespace=space)
    group.v = LIF["v_rest"]*mV
    group.drive = work.input()*mV
spikes = b2.SpikeMonitor(group)
network = b2.Network(group, spikes)
compile_s = 0.0

if given.mode == "cpp":
    network.run(work.duration*ms)
    b2.device.build(compile=False, run=False, directory=folder)
    build_s = watch()
    subprocess.run(["make", "-j2"], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    compile_s = watch()

    def run() -> dict:
        # a small process starts the program: the peak memory of a child is never below that of its parent
        helper = ("import os\npid = os.posix_spawn('./main', ['./main'], os.environ)\n_, status, usage = os.wait4(pid, 0)\n"
                  "print(usage.ru_maxrss)\nraise SystemExit(1 if status else 0)")
        out = subprocess.run([sys.executable, "-S", "-c", helper], cwd=folder, check=True, capture_output=True, text=True)
        loop_s = float(Path(folder, "results", "last_run_info.txt").read_text().split()[0])
        b2.get_device().has_been_run = True
        return {"loop_s": loop_s, "spikes": len(spikes.i), "rss_mb": float(out.stdout.split()[-1]) / 1024, "keep_rss": True}
else:
    network.run(0*ms)
    network.store()
    build_s = watch()

    def run() -> dict:
        network.restore()
        marks = {}

        def report(elapsed, completed, start, duration):
            marks["first" if completed == 0 else "last"] = float(elapsed)

        network.run(work.duration*ms, report=report, report_period=1e6*b2.second)
        return {"loop_s": marks["last"] - marks["first"], "spikes": int(spikes.num_spikes)}


serve("brian2", b2.__version__, given, run, build_s, compile_s, import_s)
if not given.cache:
    shutil.rmtree(folder, ignore_errors=True)
sys.stdout.flush()
# Brian2's standalone device complains at exit about arrays it was not asked for
os._exit(0)
