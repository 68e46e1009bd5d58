"""Comparisons on a Dask cluster: the same records as here, and what becomes of them when workers or the scheduler fail."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import dask
import pytest
from click.testing import CliRunner
from comparing import Stepwise, known_data
from distributed import Client, KilledWorker, LocalCluster

from neurosim import learning
from neurosim.cli import main
from neurosim.errors import MissingPackageError, ParameterError, SimulationError
from neurosim.learning.comparing import cluster as clusters
from neurosim.learning.comparing.files import Records
from neurosim.learning.comparing.measuring import measure

ROOT = Path(__file__).resolve().parents[2]
LEARNERS = {"a": Stepwise(), "b": Stepwise(step=2), "c": Stepwise(step=3)}


@pytest.fixture(scope="module")
def cluster():
    # two workers of two threads, all in this process: runs must still be made one at a time
    with LocalCluster(n_workers=2, threads_per_worker=2, processes=False, dashboard_address=":0") as made:
        yield made


def outcome(found):
    """Return the records without what a clock gave."""
    records = copy.deepcopy(found.records)
    for record in records:
        for name in ("cpu_seconds", "wall_seconds"):
            del record[name], record["curve"][name]
    return records


def test_the_same_to_the_bit(cluster, tmp_path):
    options = {"seeds": 2, "folds": 2, "epochs": 3, "hidden": 8, "measures": "all"}
    who = "backprop, feedback-alignment, sklearn.svm.SVC(C=10)"
    here = learning.compare("iris", who, **options)
    there = learning.compare("iris", who, **options, cluster=cluster.scheduler_address, records=tmp_path)
    assert outcome(here) == outcome(there) and len(there.records) == 12 == len(list(tmp_path.iterdir()))
    assert (here.plan, here.learners, here.versions) == (there.plan, there.learners, there.versions)
    # and of those in the folder none is made again, with a client of one's own as well
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        again = learning.compare("iris", who, **options, cluster=client, records=tmp_path, resume=True)
    assert again.records == there.records


def test_runs_are_alone_in_their_process(cluster, monkeypatch):
    busy, most = [], []

    def watched(job, data):
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.01)
        busy.pop()
        return measure(job, data)

    monkeypatch.setattr(clusters, "measure", watched)
    learning.compare(known_data(), LEARNERS, seeds=2, epochs=1, cluster=cluster.scheduler_address)
    assert most == [1] * 6


def test_what_was_finished_is_kept_when_the_client_stops(cluster, tmp_path, monkeypatch):
    class Stopped(BaseException):
        pass

    made = []

    def put(self, key, record):
        if len(made) == 2:
            raise Stopped
        made.append(key)
        usual(self, key, record)

    usual = Records.put
    options = {"seeds": 2, "epochs": 2, "cluster": cluster.scheduler_address, "records": tmp_path}
    with monkeypatch.context() as patch:
        patch.setattr(Records, "put", put)
        with pytest.raises(Stopped):
            learning.compare(known_data(), LEARNERS, **options)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    found = learning.compare(known_data(), LEARNERS, **options, resume=True)
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert len(before) == 2 and len(found.records) == 6 == len(after) and before.items() <= after.items()


def test_a_worker_that_dies_is_blamed_on_the_right_run(cluster, tmp_path, monkeypatch):
    """Runs that only waited in the same worker are made after all; the one that kills is named when the others are done."""
    tried = []

    def deadly(job, data):
        tried.append((job.entrant.label, job.seed))
        if job.entrant.label == "b" or tried == [*tried[:-1], ("c", 1)] and tried.count(("c", 1)) == 1:
            raise KilledWorker("task", SimpleNamespace(address="tcp://x:1"), 3)
        return measure(job, data)

    monkeypatch.setattr(clusters, "measure", deadly)
    options = {"seeds": 2, "epochs": 1, "records": tmp_path}
    with pytest.raises(SimulationError, match=r"2 of 6 runs. b with seed 0: its worker died.*Nor were: b with seed 1.*resume"):
        learning.compare(known_data(), LEARNERS, **options, cluster=cluster.scheduler_address)
    assert tried.count(("c", 1)) == 2 and tried.count(("b", 0)) == 2 and len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("error, words", [
    (ModuleNotFoundError("No module named 'own'"), "cannot import what it needs.*'own'.*same packages"),
    (MemoryError("Unable to allocate"), "Unable to allocate"),
])
def test_runs_that_fail_outside_the_learner_are_named(cluster, monkeypatch, error, words):
    def broken(job, data):
        if job.entrant.label == "b":
            raise error
        return measure(job, data)

    monkeypatch.setattr(clusters, "measure", broken)
    with pytest.raises(SimulationError, match=f"did not make 1 of 3 runs. b with seed 7: .*{words}"):
        learning.compare(known_data(), LEARNERS, seeds=[7], epochs=1, cluster=cluster.scheduler_address)


def test_workers_with_other_packages_make_no_runs(cluster, monkeypatch):
    usual, calls = clusters.versions(), []

    def other():
        # what is needed is asked here, and what there is by the worker
        calls.append(1)
        return usual if threading.current_thread() is threading.main_thread() else {**usual, "numpy": "1.0"}

    monkeypatch.setattr(clusters, "versions", other)
    with pytest.raises(SimulationError, match=f"the worker has numpy 1.0 instead of {usual['numpy']}; install the same"):
        learning.compare(known_data(), LEARNERS, seeds=1, epochs=1, cluster=cluster.scheduler_address)


def test_a_cluster_without_workers(monkeypatch):
    monkeypatch.setattr(clusters, "NO_WORKER", 0.5)
    with LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty:
        with pytest.raises(SimulationError, match="no worker for 0.5 s. Not made: a with seed 0.* and 1 more. Start workers"):
            learning.compare(known_data(), LEARNERS, seeds=2, epochs=1, cluster=empty.scheduler_address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1", "smoke://x:1", ""])
def test_an_unreachable_cluster_is_named_and_the_local_run_offered(address, monkeypatch, tmp_path):
    monkeypatch.setattr(clusters, "CONNECT", 0.3)
    with pytest.raises(ParameterError) as said:
        learning.compare(known_data(), LEARNERS, seeds=1, cluster=address)
    assert f"The cluster {address!r} cannot be reached" in str(said.value) and "--jobs N" in str(said.value)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["compare", "iris", "--cluster", address])
    assert result.exit_code == 1 and f"{address!r} cannot be reached" in result.output and not list(tmp_path.iterdir())


def test_wrong_clusters(cluster, monkeypatch, tmp_path):
    worker = next(iter(cluster.workers.values())).address
    for given, options, words in ((worker, {}, "a Worker of Dask, not the scheduler"), (5, {}, "cluster=5: the address"),
                                  (cluster.scheduler_address, {"jobs": 2}, "Leave one of them out")):
        with pytest.raises(ParameterError, match=words):
            learning.compare(known_data(), LEARNERS, seeds=1, cluster=given, **options)
    result = CliRunner().invoke(main, ["compare", "iris", "--cluster", "tcp://127.0.0.1:9", "--jobs", "2"])
    assert result.exit_code == 2 and "Leave one of them out" in result.output
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingPackageError, match=r"neurosim\[dask\].*--jobs N"):
        learning.compare(known_data(), LEARNERS, seeds=1, cluster="tcp://127.0.0.1:9")


def test_command_on_a_cluster(cluster, tmp_path):
    words = "compare iris --learners backprop --epochs 2 --hidden 4 --seeds 2 --measures none".split()
    result = CliRunner().invoke(main, [*words, "--cluster", cluster.scheduler_address, "--out", str(tmp_path)])
    assert result.exit_code == 0 and len(list((tmp_path / "records").iterdir())) == 2, result.output
    assert (tmp_path / "comparison.html").exists()


class Deadly(Stepwise):
    """Ends the process that it learns in, if its step is 7; else takes half a second."""

    def partial_fit(self, X, y, classes=None):
        """Learn one epoch, or end."""
        if self.step == 7:
            os._exit(1)
        time.sleep(0.5)
        return super().partial_fit(X, y, classes)


def kill_after_a_run(process, folder):
    """Kill a process as soon as a record is in a folder, or after two minutes."""
    until = time.monotonic() + 120
    while not any(folder.glob("[!.]*.json")) and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()


@pytest.mark.slow
def test_processes_that_really_die(tmp_path, monkeypatch):
    """A worker that a run ends is started again and the run is named; then the scheduler is killed."""
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    monkeypatch.setenv("PYTHONPATH", paths)
    dask_command, started = [sys.executable, "-m", "dask"], []
    told = tmp_path / "scheduler.json"

    def start(*words):
        started.append(subprocess.Popen([*dask_command, *words, "--no-dashboard", "--scheduler-file", str(told)], cwd=tmp_path,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}))
        return started[-1]

    try:
        scheduler = start("scheduler", "--port", "0", "--host", "127.0.0.1")
        until = time.monotonic() + 60
        while not told.exists() and time.monotonic() < until:
            time.sleep(0.1)
        start("worker", "--nthreads", "1")
        with dask.config.set({"distributed.comm.timeouts.connect": "3s"}), Client(scheduler_file=str(told)) as client:
            with pytest.raises(SimulationError, match="did not make 1 of 3 runs. bad with seed 0: its worker died"):
                learning.compare(known_data(), {"x": Deadly(), "bad": Deadly(step=7), "y": Deadly(step=2)}, seeds=1, epochs=1,
                                 cluster=client, records=tmp_path / "first")
            assert len(list((tmp_path / "first").iterdir())) == 2
            threading.Thread(target=kill_after_a_run, args=(scheduler, tmp_path / "second"), daemon=True).start()
            with pytest.raises(SimulationError, match="connection to the cluster was lost.*Not made: x with seed"):
                learning.compare(known_data(), {"x": Deadly()}, seeds=20, epochs=1, cluster=client, records=tmp_path / "second")
            assert 0 < len(list((tmp_path / "second").iterdir())) < 20
    finally:
        for process in started:
            process.kill()
            process.wait()
