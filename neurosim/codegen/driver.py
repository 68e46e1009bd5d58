"""The driver: compiled code that takes a network through its epochs without Python, on any number of threads.

    until the end, or until a job asks to stop:
        n = at most one minimum delay of steps
        stage by stage (one, unless populations act on others within the step):
            every part of its populations, or what they send at once:    job(step, n)
            -- all threads meet --
        every population:                  collect(step, n)        spikes of the epoch, in order
        -- all threads meet --
        every block of targets, for each step q of the epoch:
            every call of the block:       call(q, 1)              empty what was read, deliver
        -- all threads meet --

It is written in LLVM assembly, not in Python: it only follows tables of addresses, and its compilation costs milliseconds.
`interpret` does the same in Python, for functions that have no address (NUMBA_DISABLE_JIT), one thread after the other.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from neurosim.codegen import native

#: times a waiting thread looks before it offers its core to others
PATIENCE = 1000
#: a hint to the processor that this thread only waits, so that another one on the same core gets on
_HINTS = {"x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
          "aarch64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)")}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_MACHINE = platform.machine().lower()
_DECLARED, _HINT = _HINTS.get(_MACHINES.get(_MACHINE, _MACHINE), ("", ""))

_ASSEMBLY = f"""
{_DECLARED}
define internal void @meet(ptr %shared, i64 %threads, ptr %pause) {{
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %done, label %arrive
arrive:
  %round = getelementptr i64, ptr %shared, i64 8
  %mine = load atomic i64, ptr %round acquire, align 8
  %before = atomicrmw add ptr %shared, i64 1 acq_rel
  %arrived = add i64 %before, 1
  %all = icmp eq i64 %arrived, %threads
  br i1 %all, label %open, label %look
open:
  store atomic i64 0, ptr %shared monotonic, align 8
  %next = add i64 %mine, 1
  store atomic i64 %next, ptr %round release, align 8
  br label %done
look:
  %k = phi i64 [ 0, %arrive ], [ %looks, %again ]
  %now = load atomic i64, ptr %round acquire, align 8
  %opened = icmp ne i64 %now, %mine
  br i1 %opened, label %done, label %wait
wait:
  {_HINT}
  %looks = add i64 %k, 1
  %tired = icmp ugt i64 %looks, {PATIENCE}
  br i1 %tired, label %rest, label %again
rest:
  %ignored = call i32 %pause()
  br label %again
again:
  br label %look
done:
  ret void
}}

; table: pairs (address, cells)
define internal void @call_all(ptr %table, i64 %count, i64 %step, i64 %n) {{
entry:
  %some = icmp sgt i64 %count, 0
  br i1 %some, label %one, label %done
one:
  %k = phi i64 [ 0, %entry ], [ %k1, %one ]
  %place = shl i64 %k, 1
  %p = getelementptr ptr, ptr %table, i64 %place
  %f = load ptr, ptr %p
  %q = getelementptr ptr, ptr %p, i64 1
  %cells = load ptr, ptr %q
  %status = call i32 %f(ptr %cells, i64 %step, i64 %n)
  %k1 = add i64 %k, 1
  %more = icmp slt i64 %k1, %count
  br i1 %more, label %one, label %done
done:
  ret void
}}

; plan: stages, table of (jobs, their table), collects, their table, blocks, table of (calls, their table), epoch, threads,
; shared, pause
define i64 @neurosim_drive(ptr %plan, i64 %step0, i64 %end) {{
entry:
  %n_stages = load i64, ptr %plan
  %p1 = getelementptr ptr, ptr %plan, i64 1
  %stages = load ptr, ptr %p1
  %p2 = getelementptr i64, ptr %plan, i64 2
  %n_collect = load i64, ptr %p2
  %p3 = getelementptr ptr, ptr %plan, i64 3
  %collect = load ptr, ptr %p3
  %p4 = getelementptr i64, ptr %plan, i64 4
  %n_blocks = load i64, ptr %p4
  %p5 = getelementptr ptr, ptr %plan, i64 5
  %blocks = load ptr, ptr %p5
  %p6 = getelementptr i64, ptr %plan, i64 6
  %epoch = load i64, ptr %p6
  %p7 = getelementptr i64, ptr %plan, i64 7
  %threads = load i64, ptr %p7
  %p8 = getelementptr ptr, ptr %plan, i64 8
  %shared = load ptr, ptr %p8
  %p9 = getelementptr ptr, ptr %plan, i64 9
  %pause = load ptr, ptr %p9
  %stop_at = getelementptr i64, ptr %shared, i64 16
  %any = icmp slt i64 %step0, %end
  br i1 %any, label %begin, label %done
begin:
  %step = phi i64 [ %step0, %entry ], [ %after, %finish ]
  %left = sub i64 %end, %step
  %short = icmp slt i64 %left, %epoch
  %n = select i1 %short, i64 %left, i64 %epoch
  %after = add i64 %step, %n
  br label %stage
stage:
  %s = phi i64 [ 0, %begin ], [ %s1, %stage ]
  %s_place = shl i64 %s, 1
  %ps = getelementptr i64, ptr %stages, i64 %s_place
  %n_jobs = load i64, ptr %ps
  %pj = getelementptr ptr, ptr %ps, i64 1
  %jobs = load ptr, ptr %pj
  call void @call_all(ptr %jobs, i64 %n_jobs, i64 %step, i64 %n)
  call void @meet(ptr %shared, i64 %threads, ptr %pause)
  %s1 = add i64 %s, 1
  %s_more = icmp slt i64 %s1, %n_stages
  br i1 %s_more, label %stage, label %gather
gather:
  call void @call_all(ptr %collect, i64 %n_collect, i64 %step, i64 %n)
  call void @meet(ptr %shared, i64 %threads, ptr %pause)
  %stop = load i64, ptr %stop_at
  %some = icmp sgt i64 %n_blocks, 0
  br i1 %some, label %block, label %finish
block:
  %b = phi i64 [ 0, %gather ], [ %b1, %block_done ]
  %b_place = shl i64 %b, 1
  %pc = getelementptr i64, ptr %blocks, i64 %b_place
  %n_calls = load i64, ptr %pc
  %pt = getelementptr ptr, ptr %pc, i64 1
  %calls = load ptr, ptr %pt
  br label %deliver
deliver:
  %q = phi i64 [ %step, %block ], [ %q1, %deliver ]
  call void @call_all(ptr %calls, i64 %n_calls, i64 %q, i64 1)
  %q1 = add i64 %q, 1
  %q_more = icmp slt i64 %q1, %after
  br i1 %q_more, label %deliver, label %block_done
block_done:
  %b1 = add i64 %b, 1
  %b_more = icmp slt i64 %b1, %n_blocks
  br i1 %b_more, label %block, label %finish
finish:
  call void @meet(ptr %shared, i64 %threads, ptr %pause)
  %asked = icmp ne i64 %stop, 0
  %over = icmp sge i64 %after, %end
  %leave = or i1 %asked, %over
  br i1 %leave, label %done, label %begin
done:
  %reached = phi i64 [ %step0, %entry ], [ %after, %finish ]
  ret i64 %reached
}}
"""


@dataclass
class Share:
    """What one thread does: jobs of every stage and of `collect`, and for each of its blocks the calls of a step."""

    stages: list[list[native.Job]]
    collect: list[native.Job]
    blocks: list[list[native.Job]]


@cache
def _compiled() -> Any:
    engine, address = native.link(native.assemble(_ASSEMBLY), "neurosim_drive")
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)
    function.engine = engine
    return function


@cache
def _pause() -> int:
    """Return the address of the system's function by which a thread offers its core to others."""
    if os.name == "nt":
        return ctypes.cast(ctypes.windll.kernel32.SwitchToThread, ctypes.c_void_p).value or 0
    return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0


class Driver:
    """Takes the shares of all threads through their epochs.

    Args:
        shares: one for each thread, all with the same number of stages (at least one).
        epoch: steps between two meetings.
        shared: (24,) int64; entry 16 is set by a job that asks to come back.
    """

    def __init__(self, shares: Sequence[Share], epoch: int, shared: np.ndarray):
        self.shares, self.epoch, self.shared = shares, epoch, shared
        every = [job for s in shares for jobs in (*s.stages, s.collect, *s.blocks) for job in jobs]
        self.native = all(job.function.address is not None for job in every)
        self._keep: list[np.ndarray] = []
        self._plans = [self._plan(s) for s in shares] if self.native else []
        self._pool = ThreadPoolExecutor(len(shares)) if self.native and len(shares) > 1 else None

    def _array(self, values: Sequence[int]) -> np.ndarray:
        self._keep.append(np.array(list(values) or [0], np.uint64).view(np.int64))
        return self._keep[-1]

    def _table(self, jobs: Sequence[native.Job]) -> int:
        cells = [value for job in jobs for value in (job.function.address, job.cells.ctypes.data)]
        return self._array(cells).ctypes.data

    def _plan(self, share: Share) -> np.ndarray:
        blocks = [value for calls in share.blocks for value in (len(calls), self._table(calls))]
        stages = [value for jobs in share.stages for value in (len(jobs), self._table(jobs))]
        return self._array([len(share.stages), self._array(stages).ctypes.data, len(share.collect),
                            self._table(share.collect), len(share.blocks), self._array(blocks).ctypes.data, self.epoch,
                            len(self.shares), self.shared.ctypes.data, _pause()])

    def __call__(self, step: int, end: int) -> int:
        """Run from step to end, or until a job asks to stop; return the step reached."""
        self.shared[:] = 0
        if not self.native:
            return self.interpret(step, end)
        run = _compiled()
        if self._pool is None:
            return int(run(self._plans[0].ctypes.data, step, end))
        waiting = [self._pool.submit(run, plan.ctypes.data, step, end) for plan in self._plans]
        return [int(w.result()) for w in waiting][0]

    def interpret(self, step: int, end: int) -> int:
        """Do the same in Python."""
        while step < end:
            n = min(self.epoch, end - step)
            for k in range(len(self.shares[0].stages)):
                for share in self.shares:
                    for job in share.stages[k]:
                        job(step, n)
            for share in self.shares:
                for job in share.collect:
                    job(step, n)
            for share in self.shares:
                for calls in share.blocks:
                    for q in range(step, step + n):
                        for job in calls:
                            job(q, 1)
            step += n
            if self.shared[16]:
                break
        return step

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()
