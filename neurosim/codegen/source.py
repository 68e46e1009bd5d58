"""Write the module of one plan: a file to read, to step through with a debugger, and to compile once.

It holds one function, `advance`: tiles of 64 neurons, each through all steps of the call while it sits in the
first-level cache.  Order inside a step: signals, record, deliver, integrate, threshold and reset.  The integration pass
has no branches, so that LLVM vectorises it, and counts the neurons that fire; the second pass runs only if some do.

One function rather than several: Numba compiles and optimises every function by itself and again in its callers, which
made a first run twice as slow (measured: 3.1 against 1.5 s for a LIF population).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from neurosim.codegen.integrators import INTEGRATORS
from neurosim.codegen.passes import Line, final, passes
from neurosim.codegen.plan import KEPT, LANES, SHARED_STREAM, Plan
from neurosim.codegen.text import Writer
from neurosim.model.expression import Node, Sym, show, substitute, symbols

_ARGUMENTS = """
    name     shape                 unit       meaning
    step0, n_steps              -             first step, steps
    state    (n_tiles * R * 64,)   as named   rows of a tile: {rows}
    hold     (n_tiles * 64,)       step       first step after refractoriness (one tile only if there is none)
    pu       (n_constants,)        as named   constants equal for all neurons
    tab      (any,)                as input   samples of timed arrays; then what each event adds
    timing   (2 * n_tables,)       ms         start and sampling interval of each table
    book     (any,)                -          tables, events and recording entries: see codegen/layout.py
    rec      (any,)                as named   all samples of all probes
    spikes   (capacity,)           -          (step - step0) << 32 | neuron
    cursor   (6,)                  -          next tile, spikes, end tile, first bad step, its neuron, its row
    saved    (any,)                as state   scratch: a tile before the call; what one pass of a step hands to the next
    whole    (128,)                step       scratch: who fires; hold before the call
    draw     (312,)                -          scratch of the Poisson numbers, float64, zeros at first
    ring     (any,)                as state   what spikes and graded projections add: see codegen/layout.py
    size                       -              number of neurons
    origin, time0, dt              step, ms   t = time0 + (step - origin) dt
    seed, stream                   -          key of the random numbers
"""


#: arguments of `advance` after step0 and n_steps, in the letters of native.py
ADVANCE = "RKRRDQRQQRKDRqqddqq"


class _Block:
    """Indented lines."""

    def __init__(self):
        self.lines: list[str] = []

    def __call__(self, text: str = "", indent: int = 0) -> None:
        self.lines += ["    " * indent + line if line else "" for line in text.split("\n")]


class _Source:
    def __init__(self, plan: Plan):
        self.plan = plan
        self.rows = plan.rows
        self.write = Writer(single=plan.single)
        self.scalar = Writer(scalar=True)
        self.real = "np.float32" if plan.single else "np.float64"
        self.integer = "np.int32" if plan.single else "np.int64"
        self.holds = plan.refractory is not None
        self.kinds = {s.kind for s in plan.signals}
        self.pairs = bool(self.kinds & {"normal", "uniform"})

    def flush(self, out: _Block, indent: int) -> None:
        for line in self.write.lines:
            out(line, indent)
        self.write.lines.clear()

    def load(self, out: _Block, names: set[str], indent: int, lane: str = "lane") -> None:
        """Read the rows that `names` refer to into local variables."""
        pairs = {s.name for s in self.plan.signals if s.n_rows == 2}
        for name, row in self.rows.items():
            if name in names:
                place = f"({row} + odd_) * W" if name in pairs else f"{row} * W"
                out(f"{name} = tile_[{place} + {lane}]", indent)
        for s in self.plan.signals:
            if s.kind == "ring" and s.name in names:
                out(f"{s.name} = arrive{s.slot}_[{lane}]", indent)

    # -- the parts of a step --------------------------------------------------------------------------------------

    def constants(self, out: _Block) -> None:
        for k, (name, value) in enumerate(self.plan.uniform_constants.items()):
            out(f"{name} = pu[{k}]" + ("" if value == Sym(name) else f"  # {show(value)}"), 1)

    def step_values(self, out: _Block) -> None:
        """What changes with time only is computed in float64 and rounded to the element type."""
        names = set().union(*(symbols(v) for v in self.plan.per_step.values())) if self.plan.per_step else set()
        names |= set().union(*(symbols(v) for v in self.lane_expressions()))
        if "t_step_" in names:
            out("t_step_ = t", 4)
        for s in self.plan.signals:
            if s.kind == "shared_normal":
                out(f"even_, odd_value_ = normal_pair(seed, {SHARED_STREAM + s.slot}, 0, step >> 1)", 4)
                out(f"{s.name} = {self.real}(select((step & 1) == 1, odd_value_, even_))", 4)
                self.write.used.add("select")
            elif s.kind == "ring":
                # a slice: an index that might be negative would keep the loop from being vectorised
                out(f"at_ = ({s.slot} * ring_blocks_ + block_) * (ring_mask_ + 1) + (step & ring_mask_)", 4)
                out("at_ = at_ * ring_width_ + inside_", 4)
                out(f"arrive{s.slot}_ = ring[at_:at_ + W]", 4)
            elif s.kind == "shared_table":
                out(f"{s.name} = tab[book[slots + {4 * s.slot}] + {self.sample(s.slot)}]", 4)
        for name, value in self.plan.per_step.items():
            text = self.scalar(value)
            for line in self.scalar.lines:
                out(line, 4)
            self.scalar.lines.clear()
            out(f"{name} = {self.real}({text})  # {show(value)}", 4)
        if self.pairs:
            out("odd_ = step & 1", 4)
        if self.holds:
            out(f"now_ = {self.integer}(step)", 4)

    def lane_expressions(self):
        plan = self.plan
        nodes = [*(v for _, v, _ in plan.body), *plan.new.values(), *plan.kicks.values(), *plan.observed.values(),
                 *(v for _, v, _ in plan.reset)]
        fire = [plan.fire, plan.before] if plan.fire is not None else []
        nodes += plan.published.values()
        return [*nodes, *fire, *([plan.refractory] if self.holds else [])]

    def sample(self, slot: int) -> str:
        return f"sample(t, timing[{2 * slot}], timing[{2 * slot + 1}], book[slots + {4 * slot + 1}])"

    def signals(self, out: _Block) -> None:
        uniform = list(self.plan.uniform_constants)
        for k, s in enumerate(self.plan.signals):
            row = self.rows.get(s.name, 0)
            one = f"tile_[{row} * W:{row} * W + W]"
            if s.kind in ("normal", "uniform"):
                out("if odd_ == 0 or step == step0:  # two steps at a time", 4)
                odd = f"tile_[{row + 1} * W:{row + 1} * W + W]"
                out(f"fill_{s.kind}({one}, {odd}, seed, stream + {k}, first, lanes, step >> 1)", 5)
            elif s.kind == "poisson":
                if s.rate.name in uniform:
                    place = uniform.index(s.rate.name)
                    lam = f"pu[{place}:{place + 1}]"
                else:
                    lam = f"tile_[{self.rows[s.rate.name]} * W:{self.rows[s.rate.name]} * W + lanes]"
                out(f"fill_poisson({one}, {lam}, seed, stream + {k}, first, lanes, step, draw)", 4)
            elif s.kind == "table":
                at = f"book[slots + {4 * s.slot}] + book[slots + {4 * s.slot + 2}] * {self.sample(s.slot)} + first"
                out(f"at_ = {at}", 4)
                out("for lane in range(lanes):", 4)
                out(f"tile_[{row} * W + lane] = tab[at_ + lane]", 5)

    def record(self, out: _Block) -> None:
        plan = self.plan
        out("if not again:", 4)
        out("for e in range(re_from, re_to):", 5)
        out("if book[re_next + e] == step:", 6)
        out("row, at, listed = book[re_row + e], book[re_pos + e], book[re_lanes + e]", 7)
        indent = 7
        if plan.observed:
            out("if row < 0:", 7)
            out("for k in range(book[re_count + e]):", 8)
            out("lane = k", 9)
            out("if listed >= 0:", 9)
            out("lane = book[listed + k]", 10)
            self.load(out, set().union(*(symbols(v) for v in plan.observed.values())), 9)
            out(f"value = {self.real}(0.0)", 9)
            for k, (name, node) in enumerate(plan.observed.items()):
                text = self.write(node)
                out(f"if row == {~k}:  # {name}", 9)
                self.flush(out, 10)
                out(f"value = {text}", 10)
            out("rec[at + k] = value", 9)
            out("else:", 7)
            indent = 8
        out("if listed < 0:", indent)
        out("for k in range(book[re_count + e]):", indent + 1)
        out("rec[at + k] = tile_[row * W + k]", indent + 2)
        out("else:", indent)
        out("for k in range(book[re_count + e]):", indent + 1)
        out("rec[at + k] = tile_[row * W + book[listed + k]]", indent + 2)
        out("book[re_next + e] = step + book[re_every + e]", 7)
        out("book[re_pos + e] += book[re_stride + e]", 7)

    def deliver(self, out: _Block) -> None:
        if not self.plan.events:
            return
        out("while ev < ev_to and book[ev_step + ev] <= step:", 4)
        out("place = book[ev_place + ev]", 5)
        held = " or ".join(f"place // W == {self.rows[s]}" for s in sorted(self.plan.held))
        inner = 5
        if held:
            out(f"if step >= ht[place % W] or not ({held}):", 5)
            inner = 6
        out("tile_[place] += tab[ev_add + ev]", inner)
        out("ev += 1", 5)

    def integrate(self, out: _Block) -> None:
        plan, parts = self.plan, passes(self.plan)
        if plan.fire is not None:
            out(f"hits = {self.integer}(0)", 4)
        if not plan.small:
            self.over_lanes(out, 4, parts.late, kicks=plan.kicks, update=True)
            return
        out(f"wide_ = {self.integer}(0)", 4)
        if parts.early:
            self.over_lanes(out, 4, parts.early, kicks=plan.kicks)
        self.over_lanes(out, 4, parts.middle, kicks={} if parts.early else plan.kicks, measure=True)
        out("# most steps have small arguments of exprel throughout a tile: then half the work will do", 4)
        for branch, narrow in (("if wide_ == 0:", True), ("else:", False)):
            self.write.narrow = narrow
            out(branch, 4)
            self.over_lanes(out, 5, parts.late, kicks={}, update=True)
        self.write.narrow = False

    def over_lanes(self, out: _Block, indent: int, lines: Sequence[Line], *, kicks: dict[str, Node], measure: bool = False,
                   update: bool = False) -> None:
        """A vectorised pass: kicks, lines, a count of large arguments of exprel, and the new state with who fires."""
        plan, inner, kept = self.plan, indent + 1, passes(self.plan).kept
        new = {s: f"{s}_new_" for s in plan.states}
        nodes = [*kicks.values(), *(v for _, v, _ in lines), *(final(plan) if update else ())]
        used = set(kicks).union(*(symbols(v) for v in nodes))
        self.write.used.add("select")
        out("for lane in range(lanes):", indent)
        self.load(out, used | set(plan.states if update else ()), inner)
        if "active_" in used or self.holds and (update or kicks):
            out("active_ = now_ >= ht[lane]", inner)
        for state, kick in kicks.items():
            text = self.write(kick)
            if state in plan.held:
                text = f"select(active_, {text}, {self.write.number(0.0)})"
            self.flush(out, inner)
            out(f"{state} = {state} + {text}", inner)
            if not update:
                out(f"tile_[{self.rows[state]} * W + lane] = {state}", inner)
        here = {name for name, _, _ in lines}
        for name, row in kept.items():
            if name in used and name not in here:
                out(f"{name} = saved[({row} + R) * W + lane]", inner)
        for name, value, comment in lines:
            text = self.write(value)
            self.flush(out, inner)
            if comment:
                out(f"# {comment}", inner)
            out(f"{name} = {text}", inner)
        for name, row in kept.items():
            if name in here:
                out(f"saved[({row} + R) * W + lane] = {name}", inner)
        if measure:
            # written so that NaN counts as not small
            test = " & ".join(f"(abs({z}) <= {self.write.number(0.5)})" for z in plan.small)
            out(f"wide_ = add_bits(wide_, select({test}, {self.integer}(0), {self.integer}(1)))", inner)
        if not update:
            return
        for state in plan.states:
            text = self.write(plan.new[state])
            self.flush(out, inner)
            out(f"{new[state]} = {text}", inner)
        for state in plan.states:
            out(f"tile_[{self.rows[state]} * W + lane] = {new[state]}", inner)
        for name, value in plan.published.items():
            text = self.write(substitute(value, {s: Sym(new[s]) for s in plan.states}))
            self.flush(out, inner)
            out(f"tile_[{self.rows[name]} * W + lane] = {text}", inner)
        if plan.fire is not None:
            self.detect(out, inner, new)
        elif out.lines[-1].endswith("for lane in range(lanes):"):
            # nothing to integrate
            out.lines.pop()

    def detect(self, out: _Block, indent: int, new: dict[str, str]) -> None:
        """Count the neurons that fire."""
        plan = self.plan
        now = self.write.condition(substitute(plan.fire, {s: Sym(new[s]) for s in plan.states}))
        self.flush(out, indent)
        if plan.edge:
            before = self.write.condition(plan.before)
            self.flush(out, indent)
            out(f"before_ = {before}", indent)
            now = f"{now} & (not before_)"
        now = f"{now} & active_" if self.holds else now
        out(f"hit_ = select({now}, {self.integer}(1), {self.integer}(0))", indent)
        if plan.edge:
            out("whole[lane] = hit_", indent)
        out("hits = add_bits(hits, hit_)", indent)

    def settle(self, out: _Block) -> None:
        plan = self.plan
        if plan.fire is None:
            return
        out("if hits > 0:", 4)
        targets = {a for a, _, _ in plan.reset}
        names = targets.union(*(symbols(v) for _, v, _ in plan.reset))
        names |= symbols(plan.refractory) if self.holds else set()
        out("# who fires, as bits: found without a branch for each neuron, guessing which wrong costs more than the reset", 5)
        out("fired = np.uint64(0)", 5)
        out("for lane in range(lanes):", 5)
        if plan.edge:
            test = "whole[lane] != 0"
        else:
            self.load(out, symbols(plan.fire), 6)
            test = self.write.condition(plan.fire)
            self.flush(out, 6)
            test += " & (now_ >= ht[lane])" if self.holds else ""
        out(f"fired |= select({test}, np.uint64(1) << unsigned(lane), np.uint64(0))", 6)
        out("while fired != 0:", 5)
        out("who = lowest(fired)", 6)
        out("fired = without_lowest(fired)", 6)
        out("lane = unsigned(who)", 6)
        self.load(out, names, 6)
        for target, value, comment in plan.reset:
            text = self.write(value)
            self.flush(out, 6)
            out(f"{target} = {text}" + (f"  # {comment}" if comment else ""), 6)
        for target in dict.fromkeys(a for a, _, _ in plan.reset):
            out(f"tile_[{self.rows[target]} * W + lane] = {target}", 6)
        if self.holds:
            text = self.write(plan.refractory)
            self.flush(out, 6)
            out(f"ht[lane] = step + 1 + {self.integer}(np.floor({text} + {self.write.number(0.5)}))  # whole steps", 6)
        out("spikes[count] = ((step - step0) << 32) | (first + who)", 6)
        out("count += 1", 6)

    # -- the whole ------------------------------------------------------------------------------------------------

    def advance(self) -> str:
        plan, out = self.plan, _Block()
        rows = ", ".join(f"{name} {row}" for name, row in self.rows.items())
        n_states = len(plan.states)
        holds = "W" if self.holds else "0"
        out("@entry\ndef advance(step0, n_steps, state, hold, pu, tab, timing, book, rec, spikes, cursor, saved, whole, draw, "
            "ring, size,\n            origin, time0, dt, seed, stream):")
        out('"""Advance tiles cursor[0] ... cursor[2] - 1 by n_steps; come back early only if the spike buffer may fill.', 1)
        for line in _ARGUMENTS.format(rows=rows).rstrip().split("\n"):
            out(line)
        out('"""', 1)
        out("count = cursor[1]", 1)
        if self.kinds & {"table", "shared_table"}:
            out("slots = book[0]", 1)
        if plan.events:
            out("ev_first, ev_step, ev_place, ev_add = book[1], book[2], book[3], book[4]", 1)
        if "ring" in self.kinds:
            out("ring_width_, ring_mask_, ring_blocks_ = book[8], book[9], book[10]", 1)
        out("re_first, re_row, n_entries = book[5], book[6], book[7]", 1)
        out("re_every, re_stride, re_next = re_row + n_entries, re_row + 2 * n_entries, re_row + 3 * n_entries", 1)
        out("re_pos, re_count, re_lanes = re_row + 4 * n_entries, re_row + 5 * n_entries, re_row + 6 * n_entries", 1)
        self.constants(out)
        out("for tile in range(cursor[0], cursor[2]):", 1)
        out("first = tile * W", 2)
        out("lanes = min(W, size - first)", 2)
        if "ring" in self.kinds:
            out("block_ = first // ring_width_", 2)
            out("inside_ = first - block_ * ring_width_", 2)
        if plan.fire is not None:
            out("if count + lanes * n_steps > spikes.size:", 2)
            out("cursor[0] = tile", 3)
            out("cursor[1] = count", 3)
            out("return", 3)
        out("tile_ = state[tile * R * W:(tile + 1) * R * W]", 2)
        if self.holds:
            out("ht = hold[tile * W:(tile + 1) * W]", 2)
        out("re_from, re_to = book[re_first + tile], book[re_first + tile + 1]", 2)
        out("# the fault of a single step is found at once; else the tile is kept, to look for it step by step", 2)
        out("careful, again = n_steps == 1, False", 2)
        out("if not careful:", 2)
        out("for lane in range(R * W):", 3)
        out("saved[lane] = tile_[lane]", 4)
        if self.holds:
            out(f"for lane in range({holds}):", 3)
            out("whole[W + lane] = ht[lane]", 4)
        out("before = count", 2)
        out("while True:", 2)
        if plan.events:
            out("# skip the events of earlier calls", 3)
            out("ev, ev_to = book[ev_first + tile], book[ev_first + tile + 1]", 3)
            out("high = ev_to", 3)
            out("while ev < high:", 3)
            out("middle = (ev + high) // 2", 4)
            out("if book[ev_step + middle] < step0:", 4)
            out("ev = middle + 1", 5)
            out("else:", 4)
            out("high = middle", 5)
        out("bad = -1", 3)
        out("for step in range(step0, step0 + n_steps):", 3)
        out("t = time0 + (step - origin) * dt", 4)
        self.step_values(out)
        self.signals(out)
        self.record(out)
        self.deliver(out)
        out(f"# integrate: {plan.method}", 4)
        self.integrate(out)
        self.settle(out)
        out("if careful:", 4)
        out(f"bad = unsound(tile_, lanes, {n_states})", 5)
        out("if bad >= 0:", 5)
        out("if cursor[3] < 0 or step < cursor[3]:", 6)
        out("cursor[3] = step", 7)
        out("cursor[4] = first + bad % W", 7)
        out("cursor[5] = bad // W", 7)
        out("break", 6)
        out(f"if careful or unsound(tile_, lanes, {n_states}) < 0:", 3)
        out("break", 4)
        out("# a state is no longer finite: the same again, looking after every step", 3)
        out("careful, again = True, True", 3)
        out("count = before", 3)
        out("for lane in range(R * W):", 3)
        out("tile_[lane] = saved[lane]", 4)
        if self.holds:
            out(f"for lane in range({holds}):", 3)
            out("ht[lane] = whole[W + lane]", 4)
        out("cursor[0] = cursor[2]", 1)
        out("cursor[1] = count", 1)
        return "\n".join(out.lines)

    def module(self, version: str) -> str:
        plan = self.plan
        body = self.advance()
        if self.kinds & {"table", "shared_table"}:
            body = _SAMPLE + "\n\n\n" + body
        vmath = sorted(self.write.used - {"fma", "select"})
        order = INTEGRATORS[plan.method].order
        head = [f'"""{plan.model}: compiled step, written by neurosim {version}.', "",
                f"method: {plan.method} ({plan.reason}); order {order or 'exact'}",
                f"precision: {'float32' if plan.single else 'float64'}", "equations:"]
        head += [f"    {text or name}" for name, text in plan.texts.items()]
        head += ['"""', "", "import math  # noqa: F401", "", "import numpy as np  # noqa: F401", "",
                 "from neurosim.kernels import vmath64  # noqa: F401",
                 "from neurosim.kernels.jit import add_bits, array_kernel, entry, fma, unsigned  # noqa: F401"]
        sources = {"normal": "fill_normal", "uniform": "fill_uniform", "shared_normal": "normal_pair"}
        drawn = sorted(sources[k] for k in self.kinds & set(sources))
        if "poisson" in self.kinds:
            head.append("from neurosim.kernels.poisson import fill_poisson")
        if drawn:
            head.append(f"from neurosim.kernels.random import {', '.join(drawn)}")
        if plan.fire is not None:
            head.append("from neurosim.kernels.masks import lowest, without_lowest")
        head.append("from neurosim.kernels.select import select  # noqa: F401")
        head.append("from neurosim.kernels.sound import unsound  # noqa: F401")
        if vmath:
            head.append(f"from neurosim.kernels.vmath{'32' if plan.single else '64'} import {', '.join(vmath)}")
        head += ["", f"W = {LANES}", f"R = {plan.n_rows}"]
        head += [f"{name} = np.float32({text})" for text, name in self.write.literals.items()]
        return "\n".join(head) + "\n\n\n" + body + "\n"


_SAMPLE = '''@array_kernel
def sample(t, start, interval, rows):
    """Return the row of a table that holds at time t; the first before its start, the last after its end."""
    # a millionth of an interval guards against rounding just below a sampling time
    row = int(math.floor((t - start) / interval + 1e-6))
    return min(max(row, 0), rows - 1)'''


@lru_cache(maxsize=KEPT)
def write_source(plan: Plan, version: str) -> str:
    """Return the source text of the module for a plan."""
    return _Source(plan).module(version)
