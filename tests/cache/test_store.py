"""Compile once: the second process compiles nothing, values are not structure, damaged files do no harm."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import neurosim as ns
from neurosim.codegen import library, native, store
from neurosim.codegen.source import ADVANCE
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
def together(tmp_path_factory):
    """A store that two processes have filled at once, and what each of them returned."""
    folder = tmp_path_factory.mktemp("store")
    with ThreadPoolExecutor(2) as pool:
        return folder, list(pool.map(lambda _: run(folder), range(2)))


@pytest.fixture
def filled(together):
    return together[0]


def test_two_processes_at_once(together):
    folder, results = together
    assert results[0][1] == results[1][1] > 0 and max(r[0] for r in results) == 1
    assert run(folder)[0] == 0
    assert not [p for p in folder.iterdir() if p.name.startswith(".new_")]


def test_second_process_compiles_nothing_and_needs_no_numba(filled):
    compiled, spikes, numba, scipy = run(filled)
    assert compiled == 0 and spikes > 0
    assert not numba and not scipy


def test_values_are_not_structure(filled):
    assert run(filled, tau="17", current="3")[0] == 0


def test_damaged_machine_code_is_compiled_anew(filled, monkeypatch):
    expected = run(filled)[1]
    (code,) = filled.glob("*.o")
    whole, source = code.read_bytes(), code.with_suffix(".py").read_text(encoding="utf-8")
    code.write_bytes(whole[:100])
    assert run(filled)[:2] == (1, expected)
    assert native.unseal(code.read_bytes()) is not None and run(filled)[:2] == (0, expected)
    # damage of other kinds is noticed alike; what would be compiled is known
    whole, made = code.read_bytes(), []
    monkeypatch.setattr(settings, "cache_dir", filled)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(native, "make_object", lambda *given: made.append(given) or native.unseal(whole))
    key = store.key_of(source, False, "advance", ADVANCE)
    assert f"n{key}.o" == code.name
    for k, damage in enumerate((b"", whole[:32], whole[:-1] + bytes([whole[-1] ^ 1]), b"not an object file at all" * 10)):
        code.write_bytes(damage)
        store._loaded.pop(key, None)
        store.load(source, False, "advance", ADVANCE)
        assert len(made) == k + 1 and code.read_bytes() == whole
    store._loaded.pop(key)
    store.load(source, False, "advance", ADVANCE)
    assert len(made) == 4


def test_structure_changes_the_key():
    def key(equations, recommended=None, **more):
        model = ns.NeuronModel.from_equations(equations, parameters={"tau": 10.0}, method=recommended, name="m")
        result = ns.simulate(ns.Population(2, model, name="c"), 0, 0.1, **more)
        return store.key_of(result.sources["c"], result.sources["c"].count("precision: float32"))

    before = store.compiled
    base = key("dv/dt = -v/tau")
    assert key("dv/dt = -v/tau") == base
    # constants of the exact solution are values
    assert key("dv/dt = -2*v/tau") == base
    others = {key("dv/dt = -v*v/tau"), key("dv/dt = -v/tau", method="rk4"), key("dv/dt = -v/tau", dtype="float32")}
    assert len(others) == 3 and base not in others
    # whoever names the method
    assert key("dv/dt = -v/tau", method="exact") == base
    noisy = "dv/dt = -v/tau + 0.1*xi"
    assert key(noisy) == key(noisy, method="euler") == key(noisy, method="euler_maruyama")
    assert key("dv/dt = -v/tau", "rk4") == key("dv/dt = -v/tau", "rk4", method="rk4")
    # a run of no steps shows its code and compiles nothing
    assert store.compiled == before


def test_words_do_not_change_the_key():
    """Two models that differ in a docstring or comment share machine code; precision and function do not."""
    source = '"""one."""\n\n\ndef f(x):\n    """Words."""\n    # why\n    return x  # what\n'
    other = '"""two: lines\n\n# of it\n"""\n\n\ndef f(x):\n    """Others."""\n    # for\n    return x  # whom\n'
    assert store.key_of(source) == store.key_of(other) != store.key_of(source.replace("return x", "return -x"))
    assert len({store.key_of(source, single, name) for single in (False, True) for name in "fg"}) == 4


NOTHING = '''"""bounded{}: no equations."""
from neurosim.kernels.jit import entry


@entry
def advance(step0, n_steps):
    n_steps = {}
'''


def test_store_is_bounded_and_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "cache_dir", tmp_path)
    monkeypatch.setattr(settings, "cache_mb", 1e-6)
    for k in range(3):
        store.load(NOTHING.format(k, k), False, "advance", "")
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


def all_random():
    """Runs with every kind of random number and functions of the C library: [compiled, spikes, sum of their times] of each."""
    model = ns.NeuronModel.from_equations(
        "dv/dt = (i - v)/10 + abs(v)**2.5*0 + tan(v)*0 + 0.1*xi", threshold="v > 1 + 0.1*rand()", reset="v = 0.1*randn()",
        name="all_random", inputs=["i"])
    cells = ns.Population(70, model, name="c")
    stimuli = [ns.PoissonInput(rate=300, weight=0.2, target=cells),
               ns.PoissonInput(rate=[300.0] * 70, weight=0.2, target=cells),
               ns.OrnsteinUhlenbeck(0.5, 0.3, 4.0, shared=True, target=cells), ns.WhiteNoise(0.1, target=cells)]
    out, before = [], store.compiled
    for dtype in ("float64", "float32"):
        spikes = ns.simulate(ns.Network([cells], stimuli=stimuli), 50, 0.1, seed=1, dtype=dtype).spikes["c"]
        out.append([store.compiled - before, len(spikes), float(spikes.times.sum())])
    return out


def test_random_numbers_and_library_calls_work_from_stored_code(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(settings, "cache_dir", tmp_path)
        patch.setattr(store, "_loaded", {})
        library.compiled.cache_clear()
        first = all_random()
    script = "import json, test_store as t; print(json.dumps(t.all_random()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env={**os.environ, "NEUROSIM_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0",
                               "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(ns.__file__).parents[1])])})
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    second = json.loads(done.stdout.splitlines()[-1])
    # the first values of the processes are drawn by a function of its own
    assert [row[0] for row in first] == [2, 3] and [row[0] for row in second] == [0, 0]
    assert [row[1:] for row in first] == [row[1:] for row in second]


def test_a_file_that_another_process_removes_is_written_again(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "cache_dir", tmp_path)
    source = "from neurosim.kernels.jit import entry\n\n\n@entry\ndef advance(step0, n_steps):\n    return\n"
    made, gone = store._source_file, []

    def vanishing(key, text):
        path = made(key, text)
        if not gone:
            gone.append(path)
            path.unlink()
        return path

    monkeypatch.setattr(store, "_source_file", vanishing)
    assert callable(store._imported(source, "vanishing").advance)
    assert gone and gone[0].exists()
