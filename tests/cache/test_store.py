"""Compile once: the second process compiles nothing, values are not structure, damaged files do no harm."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import neurosim as ns
from neurosim.codegen import store
from neurosim.config import settings

SCRIPT = """
import sys
import neurosim as ns
from neurosim.codegen import store
model = ns.NeuronModel.from_equations("dv/dt = (i - v)/tau", threshold="v > 1", reset="v = 0",
                                      parameters={"tau": float(sys.argv[1])}, inputs=["i"], name="cached")
cells = ns.Population(5, model, name="c")
result = ns.simulate(ns.Network([cells], stimuli=[ns.DC(float(sys.argv[2]), target=cells)]), 100, 0.1)
print(store.compiled, len(result.spikes["c"]), "numba" in sys.modules, "scipy" in sys.modules)
"""


def run(folder, tau="10", current="2"):
    done = subprocess.run([sys.executable, "-c", SCRIPT, tau, current], capture_output=True, text=True,
                          env={**os.environ, "NEUROSIM_CACHE_DIR": str(folder), "NUMBA_DISABLE_JIT": "0"})
    assert done.returncode == 0, done.stderr[-2000:]
    compiled, spikes, numba, scipy = done.stdout.split()
    return int(compiled), int(spikes), numba == "True", scipy == "True"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    assert run(folder)[0] == 1
    return folder


def test_second_process_compiles_nothing_and_needs_no_numba(filled):
    compiled, spikes, numba, scipy = run(filled)
    assert compiled == 0 and spikes > 0
    assert not numba and not scipy


def test_values_are_not_structure(filled):
    assert run(filled, tau="17", current="3")[0] == 0


def test_damaged_machine_code_is_compiled_anew(filled):
    expected = run(filled)[1]
    (code,) = filled.glob("*.o")
    whole = code.read_bytes()
    for damage in (whole[:100], b"", whole[:-1] + bytes([whole[-1] ^ 1]), b"not an object file at all" * 10):
        code.write_bytes(damage)
        assert run(filled)[:2] == (1, expected)
        assert code.read_bytes() == whole or run(filled)[0] == 0


def test_two_processes_at_once(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: run(tmp_path), range(2)))
    assert results[0][1] == results[1][1] > 0
    assert run(tmp_path)[0] == 0
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".new_")]


def test_structure_changes_the_key():
    def key(equations, **more):
        model = ns.NeuronModel.from_equations(equations, parameters={"tau": 10.0}, name="m")
        result = ns.simulate(ns.Population(2, model, name="c"), 0, 0.1, **more)
        return store.key_of(result.sources["c"])

    base = key("dv/dt = -v/tau")
    assert key("dv/dt = -v/tau") == base
    others = {key("dv/dt = -2*v/tau"), key("dv/dt = -v/tau", method="rk4"), key("dv/dt = -v/tau", dtype="float32")}
    assert len(others) == 3 and base not in others


def test_store_is_bounded_and_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "cache_dir", tmp_path)
    monkeypatch.setattr(settings, "cache_mb", 1e-6)
    for k in range(3):
        model = ns.NeuronModel.from_equations(f"dv/dt = -v/{10 + k}", name=f"bounded{k}")
        ns.simulate(ns.Population(1, model, name="c"), 1, 0.1)
    found = store.entries()
    assert len(found) == 1 and found[0].title == "bounded2"  # all but the newest went
    assert store.clear() == 1 and not store.entries()


def test_unwritable_folder_gives_a_warning(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setattr(settings, "cache_dir", blocked / "store")
    model = ns.NeuronModel.from_equations("dv/dt = -v/33", name="blocked")
    with pytest.warns(ns.NeurosimWarning, match="NEUROSIM_CACHE_DIR"):
        result = ns.simulate(ns.Population(1, model, name="c"), 1, 0.1)
    assert result.completed


RANDOM = """
import neurosim as ns
from neurosim.codegen import store
model = ns.NeuronModel.from_equations("dv/dt = (i - v)/10 + abs(v)**2.5*0 + tan(v)*0 + 0.1*xi", threshold="v > 1 + 0.1*rand()",
                                      reset="v = 0.1*randn()", name="all_random", inputs=["i"])
cells = ns.Population(70, model, name="c")
stimuli = [ns.PoissonInput(rate=300, weight=0.2, target=cells), ns.PoissonInput(rate=[300.0]*70, weight=0.2, target=cells),
           ns.OrnsteinUhlenbeck(0.5, 0.3, 4.0, shared=True, target=cells), ns.WhiteNoise(0.1, target=cells)]
for dtype in ("float64", "float32"):
    result = ns.simulate(ns.Network([cells], stimuli=stimuli), 50, 0.1, seed=1, dtype=dtype)
    print(store.compiled, len(result.spikes["c"]), float(result.spikes["c"].times.sum()))
"""


def test_random_numbers_and_library_calls_work_from_stored_code(tmp_path):
    def go():
        done = subprocess.run([sys.executable, "-c", RANDOM], capture_output=True, text=True,
                              env={**os.environ, "NEUROSIM_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0"})
        assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
        return [line.split() for line in done.stdout.splitlines()]

    first, second = go(), go()
    assert [row[0] for row in first] == ["1", "2"] and [row[0] for row in second] == ["0", "0"]
    assert [row[1:] for row in first] == [row[1:] for row in second]


def test_a_file_that_another_process_removes_is_written_again(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "cache_dir", tmp_path)
    source = "from neurosim.kernels.jit import entry\n\n\n@entry\ndef advance(step0, n_steps):\n    return\n# vanishing\n"
    made, gone = store._source_file, []

    def vanishing(key, text):
        path = made(key, text)
        if not gone:
            gone.append(path)
            path.unlink()
        return path

    monkeypatch.setattr(store, "_source_file", vanishing)
    assert callable(store._imported(source).advance)
    assert gone and gone[0].exists()
