"""The generated code run by the Python interpreter gives what the compiled code gives."""

import json
import os
import subprocess
import sys

import numpy as np

SCRIPT = """
import json, sys
import numpy as np
import neurosim as ns
lif = ns.NeuronModel.from_equations("dv/dt = (e_l - v + r*i)/tau_m", threshold="v > v_th", reset="v = e_l", refractory="t_ref",
    parameters=dict(e_l=-65.0, r=10.0, tau_m=10.0, v_th=-55.0, t_ref=1.0), inputs=["i"], name="lif")
hh = ns.NeuronModel.from_equations('''
    dv/dt = i - 120*m**3*h*(v - 50) - 36*n**4*(v + 77) - 0.3*(v + 54.387)
    dm/dt = (1 - m)/exprel(-(v + 40)/10) - 4*exp(-(v + 65)/18)*m
    dh/dt = 0.07*exp(-(v + 65)/20)*(1 - h) - h*logistic((v + 35)/10)
    dn/dt = 0.1*(1 - n)/exprel(-(v + 55)/10) - 0.125*exp(-(v + 65)/80)*n
    ''', threshold="v > 0", inputs=["i"], initial=dict(v=-65, m=0.0529, h=0.596, n=0.3177), name="hh")
noisy = ns.NeuronModel.from_equations("dv/dt = -v/10 + 0.3*xi", name="noisy")
out = {}
for name, model, duration, dt in (("lif", lif, 30, 0.1), ("hh", hh, 6, 0.02), ("noisy", noisy, 3, 0.1)):
    cells = ns.Population(3, model, name="c")
    stimuli = [ns.DC([1.2, 8.0, 12.0], target=cells)] if model.inputs else []
    result = ns.simulate(ns.Network([cells], stimuli=stimuli), duration, dt, seed=4)
    spikes = result.spikes["c"].times.tolist() if "c" in result.spikes else []
    out[name] = [spikes, result.final("c", "v").tolist()]
print(json.dumps(out))
"""


def run(**environment) -> dict:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_interpreter_and_compiler_agree(tmp_path):
    compiled = run(NUMBA_DISABLE_JIT="0")
    interpreted = run(NUMBA_DISABLE_JIT="1")
    assert compiled["lif"][0] and compiled["hh"][0]
    for name in compiled:
        assert compiled[name][0] == interpreted[name][0], name
        # both use the same fused operations in the same order; only sqrt, cos and the like could differ by an ulp
        assert np.allclose(compiled[name][1], interpreted[name][1], rtol=1e-12, atol=0), name
