"""Runs on a cluster of Dask: the same jobs as on this computer, with the same records.

    dask scheduler                                       on one computer; it tells its address
    dask worker tcp://10.0.0.1:8786 --nworkers 8 --nthreads 1     on each that is to compute, with the same packages

A run computes alone in its process, wherever that is, so that its seconds and warnings are its own: workers with several
threads make one run at a time.  A run whose worker dies is made again elsewhere, as often as the scheduler allows (usually
three times).  What cannot be made is told when all others are done.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from neurosim.errors import MissingPackageError, ParameterError, SimulationError, listing
from neurosim.learning.comparing.datasets import Dataset
from neurosim.learning.comparing.measuring import measure
from neurosim.learning.comparing.protocol import Job, versions

if TYPE_CHECKING:
    from distributed import Client, Future

#: seconds until an address counts as unreachable, and how long all workers may be gone
CONNECT, NO_WORKER = 10.0, 60.0
#: what can be done without a cluster, and what remains of a comparison that ended early
LOCAL = "leave the cluster out and run on this computer with jobs (--jobs N)."
KEPT = "With records and resume (--resume), the finished runs are not made again."
#: of a process: a worker may have several threads
_ALONE = threading.Lock()


def connect(address: str) -> Client:
    """Return a client of the scheduler at `address`, such as ``tcp://10.0.0.1:8786``; it is closed by ``with``.

    Raises:
        MissingPackageError: Dask is not installed.
        ParameterError: nothing answers there as a scheduler does.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingPackageError(f"A cluster needs Dask, which cannot be imported ({error}). Install it with pip install "
                                  f"'neurosim[dask]', or {LOCAL}") from None
    wanted = f"Give the address that `dask scheduler` tells, such as tcp://10.0.0.1:8786, or {LOCAL}"
    try:
        # asked first: a client that does not come about would try on until the process ends
        with ThreadPoolExecutor(1) as pool:
            kind = pool.submit(asyncio.run, _kind(address)).result()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ParameterError(f"The cluster {address!r} cannot be reached ({_short(error)}). Does its scheduler run? "
                             f"{wanted}") from None
    if kind != "Scheduler":
        raise ParameterError(f"At {address!r} is a {kind} of Dask, not the scheduler of a cluster. {wanted}")
    return Client(address, timeout=CONNECT, set_as_default=False)


async def _kind(address: str) -> str:
    from distributed import Security
    from distributed.core import rpc

    # certificates, where the settings of Dask name some
    async with rpc(address, timeout=CONNECT, connection_args=Security().get_connection_args("client")) as other:
        return (await asyncio.wait_for(other.identity(), CONNECT + 1))["type"]


def on_cluster(client: Client, jobs: Mapping[int, Job], data: Dataset) -> Iterator[tuple[int, dict[str, Any]]]:
    """Make runs on a cluster and return number and record of each, as soon as it is finished.

    Raises:
        SimulationError: when all others are done, for runs that were not made; or when the cluster is gone.
    """
    from distributed import KilledWorker

    lost: dict[int, Exception] = {}
    yield from _together(client, jobs, data, lost)
    # with a worker die those runs too that only waited there: each is tried by itself, so that the right one is blamed
    for k in [k for k, error in lost.items() if isinstance(error, KilledWorker)]:
        del lost[k]
        yield from _together(client, {k: jobs[k]}, data, lost)
    if lost:
        first, *others = sorted(lost)
        more = f" Nor were: {_names([jobs[k] for k in others])}." if others else ""
        raise SimulationError(f"The cluster did not make {len(lost)} of {len(jobs)} runs. {_name(jobs[first])}: "
                              f"{_why(lost[first])}.{more} {KEPT}")


def _together(client: Client, jobs: Mapping[int, Job], data: Dataset,
              lost: dict[int, Exception]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Make runs, as `on_cluster`; the errors of those that cannot be made are gathered in `lost`."""
    done: queue.SimpleQueue[Future] = queue.SimpleQueue()
    own = uuid.uuid4().hex
    # a task, not scattered: were the worker that holds the data to die, the scheduler would send them again
    held = client.submit(_same, data, key=f"data-{own}", priority=1)
    futures = {client.submit(measure_alone, job, held, versions(), key=f"{job.entrant.label}-{k}-{own}", pure=False): k
               for k, job in jobs.items()}
    left = dict(futures)
    try:
        for future in futures:
            future.add_done_callback(done.put)
        while left:
            future = _next(client, done, [jobs[k] for k in left.values()])
            if future.cancelled():
                raise _gone("scheduler or network failed", [jobs[k] for k in left.values()])
            k = left.pop(future)
            try:
                record = future.result()
            except Exception as error:
                lost[k] = error
                continue
            yield k, record
    finally:
        # a connection that is lost can cancel nothing
        with contextlib.suppress(Exception):
            client.cancel([*left, held], force=True)


def measure_alone(job: Job, data: Dataset, needed: Mapping[str, str]) -> dict[str, Any]:
    """Make a run, alone in this process, and return its record.

    Raises:
        SimulationError: the packages here are of other versions than those needed, so that the outcome might differ.
    """
    own = versions()
    other = [f"{name} {own[name]} instead of {needed[name]}" for name in needed if own[name] != needed[name]]
    if other:
        raise SimulationError(f"the worker has {listing(other)}; install the same versions there")
    with _ALONE:
        return measure(job, data)


def _same(data: Dataset) -> Dataset:
    return data


def _next(client: Client, done: queue.SimpleQueue[Future], left: list[Job]) -> Future:
    """Return the next future that is done; SimulationError if scheduler or workers are gone."""
    seen = time.monotonic()
    while True:
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=1.0)
        try:
            if client.nthreads():
                seen = time.monotonic()
        except Exception as error:
            raise _gone(_short(error), left) from None
        if time.monotonic() - seen > NO_WORKER:
            raise SimulationError(f"The cluster has had no worker for {NO_WORKER:g} s. Not made: {_names(left)}. Start workers "
                                  f"with `dask worker ADDRESS --nthreads 1`. {KEPT}")


def _gone(why: str, left: list[Job]) -> SimulationError:
    return SimulationError(f"The connection to the cluster was lost ({why}). Not made: {_names(left)}. {KEPT}")


def _names(jobs: list[Job]) -> str:
    """Return the names of a few runs and the number of the others."""
    return listing(map(_name, jobs[:5])) + (f" and {len(jobs) - 5} more" if len(jobs) > 5 else "")


def _name(job: Job) -> str:
    fold = "" if job.fold is None else f", fold {job.fold}"
    return f"{job.entrant.label} with seed {job.seed}{fold}"


def _why(error: Exception) -> str:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return "its worker died whenever it was tried, often for lack of memory; have fewer workers on a computer"
    if isinstance(error, ImportError):
        return f"the worker cannot import what it needs ({_short(error)}); install the same packages there"
    return _short(error)


def _short(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
