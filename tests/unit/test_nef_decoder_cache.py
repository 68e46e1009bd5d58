"""Decoders are solved once: in memory, on disk, with shared factorisations; nothing stale and nothing damaged is used."""

import multiprocessing

import numpy as np
import pytest

from neurosim.config import settings
from neurosim.errors import ParameterError
from neurosim.nef import decoders, files
from neurosim.nef.activities import Activities
from neurosim.nef.decoders import decode
from neurosim.nef.neurons import LIF, RectifiedLinear
from neurosim.nef.solvers import L2, SVD, LeastSquares, Noise, NonNegative, SparseDrop
from neurosim.nef.sphere import ScatteredBall, ScatteredSphere


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """Give each test an empty cache and count from zero; everything is worth a file."""
    monkeypatch.delenv("NEUROSIM_DECODER_CACHE", raising=False)
    monkeypatch.setattr(settings, "cache_dir", tmp_path)
    monkeypatch.setattr(decoders, "WORTH", 0)
    monkeypatch.setattr(decoders, "solved", 0)
    monkeypatch.setattr(decoders, "factorised", 0)
    decoders.forget()
    yield
    decoders.forget()


def population(**other):
    """Return activities of 40 neurons in 2 dimensions; arguments replace parts."""
    rng = np.random.default_rng(0)
    gain, bias = LIF().gain_bias(rng.uniform(200, 400, 40), rng.uniform(-1, 0.9, 40))
    parts = {"neurons": LIF(), "gain": gain, "bias": bias, "encoders": ScatteredSphere().sample(40, 2, rng),
             "points": ScatteredBall().sample(200, 2, rng), "radius": 1.0}
    return Activities(**{**parts, **other})


def test_from_memory_and_from_disk_the_same_bits():
    a = population()
    first, info = decode(a, a.points, L2())
    second, again = decode(population(), a.points.copy(), L2())
    assert (info["cached"], again["cached"]) == ("", "memory")
    decoders.forget()
    third, stored = decode(population(), a.points, L2())
    assert stored["cached"] == "disk" and decoders.solved == 1
    for other, more in ((second, again), (third, stored)):
        np.testing.assert_array_equal(first, other)
        np.testing.assert_array_equal(info["rmse"], more["rmse"])
        assert {k: v for k, v in info.items() if k not in ("rmse", "cached")} == {
            k: v for k, v in more.items() if k not in ("rmse", "cached")}
    wanted, _ = L2()(a, a.points)
    np.testing.assert_array_equal(first, wanted)
    with pytest.raises(ValueError):
        third[0] = 1


def test_functions_share_one_factorisation():
    a = population()
    for k in range(5):
        decode(population(), a.points ** (k + 1), L2())
    assert (decoders.solved, decoders.factorised) == (5, 1)
    decode(population(), a.points, L2(0.2))
    decode(population(), a.points, L2(method=SVD))
    assert decoders.factorised == 3
    decoders.release()
    decode(population(), a.points**7, L2())
    assert decoders.factorised == 4


def test_everything_that_matters_is_in_the_key():
    a = population()
    shift = lambda x: x + np.eye(*x.shape)[..., :] * 1e-12 if x.ndim > 1 else x + 1e-12 * (np.arange(x.size) == 3)
    variants = [
        (population(gain=shift(a.gain)), a.points, L2()),
        (population(bias=shift(a.bias)), a.points, L2()),
        (population(encoders=-a.encoders), a.points, L2()),
        (population(points=shift(a.points)), a.points, L2()),
        (population(radius=1.5), a.points, L2()),
        (population(neurons=LIF(t_ref=1)), a.points, L2()),
        (population(neurons=RectifiedLinear()), a.points, L2()),
        (a, shift(a.points), L2()),
        (a, a.points[:, :1], L2()),
        (a, a.points[:, ::-1], L2()),
        (a, a.points, L2(0.11)),
        (a, a.points, L2(method=SVD)),
        (a, a.points, NonNegative()),
        (a, a.points, LeastSquares()),
        (a, a.points, SparseDrop(0.3)),
    ]
    decode(a, a.points, L2())
    for count, (activities, targets, solver) in enumerate(variants, 2):
        assert decode(activities, targets, solver)[1]["cached"] == ""
        assert decoders.solved == count
    for activities, targets, solver in variants:
        assert decode(activities, targets, solver)[1]["cached"] == "memory"


def test_the_code_is_in_the_key(monkeypatch):
    a = population()
    decode(a, a.points, L2())
    monkeypatch.setattr(decoders, "_code", lambda: "another version")
    assert decode(a, a.points, L2())[1]["cached"] == ""


def test_solvers_that_draw_depend_on_the_seed_and_others_do_not():
    a = population()
    one, _ = decode(a, a.points, Noise(), seed=1)
    two, info = decode(a, a.points, Noise(), seed=2)
    assert info["cached"] == "" and not np.array_equal(one, two)
    again, info = decode(a, a.points, Noise(), seed=1)
    assert info["cached"] == "memory"
    np.testing.assert_array_equal(one, again)
    decode(a, a.points, L2(), seed=1)
    assert decode(a, a.points, L2(), seed=2)[1]["cached"] == "memory"


@pytest.mark.parametrize("damage", [
    lambda data: b"",
    lambda data: data[: len(data) // 2],
    lambda data: b"not an archive",
    lambda data: data[:200] + bytes(200) + data[400:],
    lambda data: data[:-30] + bytes(30),
], ids=["empty", "half", "text", "hole", "end"])
def test_a_damaged_file_is_computed_again_and_replaced(damage):
    a = population()
    first, _ = decode(a, a.points, L2())
    (path,) = files.folder().glob("*.npz")
    path.write_bytes(damage(path.read_bytes()))
    decoders.forget()
    second, info = decode(a, a.points, L2())
    assert info["cached"] == ""
    np.testing.assert_array_equal(first, second)
    decoders.forget()
    assert decode(a, a.points, L2())[1]["cached"] == "disk"


@pytest.mark.parametrize("arrays", [
    {"decoders": np.zeros((3, 3)), "rmse": np.zeros(2), "info": np.array("{}")},
    {"decoders": np.zeros((40, 2), dtype=np.float32), "rmse": np.zeros(2), "info": np.array("{}")},
    {"decoders": np.zeros((40, 2)), "rmse": np.zeros(2), "info": np.array("[1")},
    {"decoders": np.zeros((40, 2)), "rmse": np.zeros(2), "info": np.array("[1]")},
    {"something": np.zeros(2)},
], ids=["shape", "type", "text", "list", "names"])
def test_a_foreign_archive_is_not_used(arrays):
    a = population()
    decode(a, a.points, L2())
    (path,) = files.folder().glob("*.npz")
    np.savez(path, **arrays)
    decoders.forget()
    found, info = decode(a, a.points, L2())
    assert info["cached"] == "" and found.any()


def test_a_full_or_missing_disk_is_no_reason_to_stop(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    a = population()
    monkeypatch.setattr(np, "savez", refuse)
    assert decode(a, a.points, L2())[0].any()
    assert not list(files.folder().glob("*"))
    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    assert decode(a, a.points**2, L2())[0].any()


def test_size_is_bounded_and_the_oldest_go_first(monkeypatch):
    a = population()
    import os

    monkeypatch.setattr(settings, "cache_mb", 0.012)  # 6 kB for archives; each takes some 2 kB
    for k in range(8):
        decode(a, a.points ** (k + 1), L2())
        for path in files.folder().glob("*.npz"):
            stat = path.stat()
            os.utime(path, (stat.st_atime, stat.st_mtime - 10))
    total = sum(p.stat().st_size for p in files.folder().glob("*.npz"))
    assert 0 < total <= 6000
    decoders.forget()
    assert decode(a, a.points**8, L2())[1]["cached"] == "disk"
    decoders.forget()
    assert decode(a, a.points, L2())[1]["cached"] == ""


def test_memory_is_bounded(monkeypatch):
    a = population()
    monkeypatch.setattr(decoders, "ANSWERS", 40 * 2 * 8 * 3)
    monkeypatch.setattr(decoders, "FACTORS", 1)
    for k in range(6):
        decode(a, a.points ** (k + 1), L2(0.1 + k / 100))
    assert len(decoders._answers) == 3 and len(decoders._factors) == 1


def test_it_can_be_turned_off(monkeypatch):
    a = population()
    for _ in range(2):
        assert decode(a, a.points, L2(), cache=False)[1]["cached"] == ""
    monkeypatch.setenv("NEUROSIM_DECODER_CACHE", "0")
    for _ in range(2):
        decode(a, a.points, L2())
    assert decoders.solved == 4 and not files.folder().exists() and not decoders._answers


def test_small_problems_leave_no_files(monkeypatch):
    monkeypatch.setattr(decoders, "WORTH", 2e8)
    a = population()
    decode(a, a.points, L2())
    assert not files.folder().exists()
    assert decode(a, a.points, L2())[1]["cached"] == "memory"


def test_what_cannot_be_named_is_not_cached():
    class Own(L2):
        def key(self):
            return None

    class Nameless(RectifiedLinear):
        def key(self):
            return None

    a = population()
    other = population(neurons=Nameless())
    for activities, solver in ((a, Own()), (other, L2())):
        for _ in range(2):
            assert decode(activities, a.points, solver)[1]["cached"] == ""


def test_messages():
    a = population()
    with pytest.raises(ParameterError, match=r"\(200, k\)"):
        decode(a, a.points[:-1], L2())
    with pytest.raises(ParameterError, match="Target 1 at evaluation point 5 is nan"):
        decode(a, np.where(np.arange(400).reshape(200, 2) == 11, np.nan, 0), L2())


def _job(folder, queue):
    settings.cache_dir = folder
    decoders.WORTH = 0
    a = population()
    found = [decode(a, a.points ** (k % 3 + 1), L2())[0] for k in range(30) if not decoders.forget()]
    queue.put([f.tobytes() for f in found[:3]] == [f.tobytes() for f in found[-3:]])


def test_two_processes_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    jobs = [context.Process(target=_job, args=(tmp_path, queue)) for _ in range(2)]
    for job in jobs:
        job.start()
    assert [queue.get(timeout=60) for _ in jobs] == [True, True]
    for job in jobs:
        job.join()
    assert not [p for p in files.folder().iterdir() if p.suffix != ".npz"]
