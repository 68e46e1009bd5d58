"""The generated code run by the Python interpreter gives what the compiled code gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import neurosim as ns

NOISY = ns.NeuronModel.from_equations("dv/dt = logistic(-v)/20 - v/10 + 0.3*xi", name="noisy")


def outcome() -> dict:
    out = {}
    # models and stimuli that other tests run as well: what is compiled is shared
    runs = (("lif", ns.LIF(), 30, 0.1), ("hh", ns.HodgkinHuxley(), 6, 0.02), ("noisy", NOISY, 3, 0.1))
    for name, model, duration, dt in runs:
        cells = ns.Population(3, model, name="c")
        stimuli = [ns.DC([2.4, 8.0, 15.0], target=cells)] if model.inputs else []
        result = ns.simulate(ns.Network([cells], stimuli=stimuli), duration, dt, seed=4)
        spikes = result.spikes["c"].times.tolist() if "c" in result.spikes else []
        out[name] = [spikes, result.final("c", "v").tolist()]
    return out


def test_interpreter_and_compiler_agree():
    script = "import json, test_jit_off as t; print(json.dumps(t.outcome()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(
                              [str(Path(__file__).parent), str(Path(ns.__file__).parents[1])])})
    assert done.returncode == 0, done.stderr[-2000:]
    compiled, interpreted = outcome(), json.loads(done.stdout.splitlines()[-1])
    assert compiled["lif"][0] and compiled["hh"][0]
    for name in compiled:
        assert compiled[name][0] == interpreted[name][0], name
        # both use the same fused operations in the same order; only sqrt, cos and the like could differ by an ulp
        assert np.allclose(compiled[name][1], interpreted[name][1], rtol=1e-12, atol=0), name
