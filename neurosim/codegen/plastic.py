"""Write the module of a plastic projection: one function, `deliver`, which takes one block of targets through a step.

Order inside a step: variables of the synapses, of the sources and of the targets are advanced, on_step, then the spikes that
arrive from sources in ascending order, then the spikes of the targets.  Everything that is written belongs to the block, so
that blocks can be done in any order and by any thread.
"""

from __future__ import annotations

from neurosim.codegen.plastic_arrays import BOOK
from neurosim.codegen.plastic_plan import Line, PlasticPlan, touches
from neurosim.codegen.text import Writer
from neurosim.model.expression import Call, Node, Num, Sym, names_in, show

#: letters of the arguments behind (step0, n_steps): see native.make_object
SIGNATURE = "RQRQRRQHHQIIIQIQRRR"

_ARGUMENTS = """
    name        shape                             meaning
    pu          (n_constants,)                    constants
    book        (any,)                            sizes, delays and rows: codegen/plastic_arrays.py
    syn         ({n_syn} * n_synapses,)           rows of one value a synapse: {syn}
    last        (n_synapses,)                     step up to which event-driven variables are known
    pre_var     (n_blocks * {n_pre} * n_pre,)     rows of one value a source, for each block: {pre}
    post_var    ({n_post} * n_blocks * B,)        rows of one value a target: {post}
    first       (n_blocks * (n_pre + 1),)         first synapse of each source in each block, sorted by (delay, target)
    target      (n_synapses,)                     index of the target in its block
    delay       (n_synapses,)                     {delays}
    back_first  (n_blocks * (B + 1),)             first entry of back_index for each target of each block
    back_index  (n_synapses,)                     synapses of each target, ascending
    back_source (n_synapses,)                     their sources
    log_pre     (H_pre * n_pre,), count_pre (H_pre,)        sources that spiked in step & (H_pre - 1), ascending
    log_post    (H_post * n_post,), count_post (H_post,)    the same for the targets' population
    x_pre       (any,), x_post (any,)             states of the neurons, in tiles of 64
    ring        (any,)                            what arrives: [row, block, step & (L - 1), target in block]
"""

#: synapses of a target to look ahead
AHEAD = 32
_DELAYS = {"homogeneous": "not used", "axonal": "steps from source to synapse", "dendritic": "steps from synapse to target"}


class _Source:
    def __init__(self, plan: PlasticPlan):
        self.plan = plan
        self.write = Writer(single=plan.single)
        self.real = "np.float32" if plan.single else "np.float64"
        self.lines: list[str] = []
        self.rows = {side: {plan.names[n]: k for k, n in enumerate(rows)}
                     for side, rows in (("pre", plan.pre_rows), ("post", plan.post_rows), ("synapse", plan.synapse_rows))}
        self.written = {state: k for k, state in enumerate(plan.delivers_to)}

    def out(self, text: str, indent: int) -> None:
        self.lines.append("    " * indent + text)

    def value(self, line: Line, indent: int) -> str:
        """Return the value of a line as text, with the lines it needs before it written."""
        text = self.write(self.flat(line.value, indent))
        self.flush(indent)
        return text

    def flat(self, node: Node, indent: int) -> Node:
        """Give a name to what is limited: selects repeat their arguments."""
        if not isinstance(node, Call) or node.func not in ("clip", "minimum", "maximum"):
            return node
        if isinstance(node.args[0], (Sym, Num)):
            return node
        text = self.write(self.flat(node.args[0], indent))
        self.flush(indent)
        self.out(f"raw_ = {text}", indent)
        return Call(node.func, (Sym("raw_"), *node.args[1:]))

    def flush(self, indent: int) -> None:
        for helper in self.write.lines:
            self.out(helper, indent)
        self.write.lines.clear()

    # -- where things are

    def row_in_book(self, side: str, name: str) -> str:
        at = len(BOOK) + len(self.plan.delivers_to) + self.plan.local_reads(side)[name]
        return f"book[{at + (len(self.plan.pre_reads) if side == 'post' else 0)}]"

    def load(self, names: set[str], side: str, indent: int) -> None:
        """Read what belongs to source j ("pre"), to target i of the block ("post") or to synapse e."""
        index = {"pre": "j", "post": "i", "synapse": "e"}[side]
        for name in self.rows[side]:
            if name in names:
                self.out(f"{name} = {name}_row_[{index}]", indent)
        if side == "synapse":
            return
        for name in self.plan.local_reads(side):
            if name in names:
                neuron = "j" if side == "pre" else "(first_neuron_ + i)"
                self.out(f"{name} = x_{side}[(({neuron} >> 6) * R_{side}_ + {name}at_) * 64 + ({index} & 63)]", indent)

    def needs(self, names: set[str], side: str) -> bool:
        return bool(names & (set(self.rows[side]) | (set(self.plan.local_reads(side)) if side != "synapse" else set())))

    # -- parts of the function

    def prepare(self) -> None:
        plan = self.plan
        for k, name in enumerate(BOOK):
            self.out(f"{name}_ = book[{k}]", 1)
        for side in ("pre", "post"):
            for name in plan.local_reads(side):
                self.out(f"{name}at_ = {self.row_in_book(side, name)}", 1)
        for k, (name, value) in enumerate(plan.constants.items()):
            self.out(f"{name} = pu[{k}]" + ("" if value == Sym(name) else f"  # {show(value)}"), 1)
        for name, k in self.rows["synapse"].items():
            self.out(f"{name}_row_ = syn[{k} * n_synapses_:{k + 1} * n_synapses_]", 1)
        for name, k in self.rows["pre"].items():
            self.out(f"at_ = (block_ * {len(plan.pre_rows)} + {k}) * n_pre_", 1)
            self.out(f"{name}_row_ = pre_var[at_:at_ + n_pre_]", 1)
        for name, k in self.rows["post"].items():
            self.out(f"at_ = ({k} * n_blocks_ + block_) * B_", 1)
            self.out(f"{name}_row_ = post_var[at_:at_ + B_]", 1)
        self.out("sources_ = block_ * (n_pre_ + 1)", 1)

    def rings(self) -> None:
        """Views of what arrives where; with a delay for each synapse, of all steps of the ring."""
        plan = self.plan
        targets = [("send_", "receptor_row_")] if plan.sends else []
        targets += [(f"to_{state}_", f"book[{len(BOOK) + k}]") for state, k in self.written.items()]
        for name, row in targets:
            if plan.delays == "dendritic":
                self.out(f"at_ = ({row} * n_blocks_ + block_) * (ring_mask_ + 1) * B_", 2)
                self.out(f"{name} = ring[at_:at_ + (ring_mask_ + 1) * B_]", 2)
            else:
                self.out(f"at_ = ({row} * n_blocks_ + block_) * (ring_mask_ + 1) + ((q + 1 + dendritic_) & ring_mask_)", 2)
                self.out("at_ *= B_", 2)
                self.out(f"{name} = ring[at_:at_ + B_]", 2)

    def advance_neurons(self, side: str) -> None:
        lines = self.plan.advance[side]
        if not lines:
            return
        self.out(f"# variables of the {'sources' if side == 'pre' else 'targets'}", 2)
        self.out("for j in range(n_pre_):" if side == "pre" else "for i in range(block_size_):", 2)
        self.load(names_in(x.value for x in lines), side, 3)
        self.assign(lines, 3)
        for name in self.rows[side]:
            if any(x.target == name for x in lines):
                self.out(f"{name}_row_[{'j' if side == 'pre' else 'i'}] = {name}", 3)

    def assign(self, lines: tuple[Line, ...], indent: int) -> None:
        for line in lines:
            text = self.value(line, indent)
            self.out(f"{line.target} = {text}" + (f"  # {line.comment}" if line.comment else ""), indent)

    def synapse(self, lines: tuple[Line, ...], side: str, indent: int) -> None:
        """Write what is done for synapse e; on `side` ("pre", "post" or "step") everything of the neuron is loaded already."""
        plan = self.plan
        event = plan.event if touches(lines, plan.event) and side != "step" else ()
        names = names_in(x.value for x in (*event, *lines))
        ring = any(x.kind != "assign" for x in lines)
        if side != "post" and (ring or self.needs(names, "post")):
            self.out("i = target[e]", indent)
        if side == "post" and self.needs(names, "pre"):
            self.out("j = back_source[place_]", indent)
            self.load(names, "pre", indent)
        if side != "post":
            self.load(names, "post", indent)
        self.load(names, "synapse", indent)
        if event:
            self.out(f"elapsed_ = {self.real}(q - last[e])", indent)
            self.out("last[e] = q", indent)
            self.assign(event, indent)
        place = "i" if plan.delays != "dendritic" else "((q + 1 + delay[e]) & ring_mask_) * B_ + i"
        for line in lines:
            if line.kind == "assign":
                self.assign((line,), indent)
                continue
            text = self.value(line, indent)
            view = "send_" if line.kind == "send" else f"to_{line.target}_"
            self.out(f"{view}[{place}] += {text}" + (f"  # {line.comment}" if line.comment else ""), indent)
        changed = {x.target for x in (*event, *lines) if x.kind == "assign"}
        for name in self.rows["synapse"]:
            if name in changed:
                self.out(f"{name}_row_[e] = {name}", indent)

    def every_step(self, lines: tuple[Line, ...]) -> None:
        if not lines:
            return
        self.out("# all synapses of the block", 2)
        names = names_in(x.value for x in lines)
        indent = 2
        if self.needs(names, "pre"):
            self.out("for j in range(n_pre_):", 2)
            self.load(names, "pre", 3)
            self.out("for e in range(unsigned(first[sources_ + j]), unsigned(first[sources_ + j + 1])):", 3)
            indent = 3
        else:
            self.out("for e in range(unsigned(first[sources_]), unsigned(first[sources_ + n_pre_])):", 2)
        self.synapse(lines, "step", indent + 1)

    def neuron(self, side: str, indent: int) -> None:
        """Write what a spike changes once for its neuron."""
        once, each = self.plan.once[side], self.plan.each[side]
        self.load(names_in(x.value for x in (*once, *each)), side, indent)
        self.assign(once, indent)
        for name, latest in self.plan.latest[side].items():
            self.out(f"{name}_row_[{'j' if side == 'pre' else 'i'}] = {latest}", indent)

    def rows_of_synapse(self, lines: tuple[Line, ...]) -> list[str]:
        """Return the arrays with one entry a synapse that statements use."""
        event = self.plan.event if touches(lines, self.plan.event) else ()
        names = names_in(x.value for x in (*event, *lines)) | {x.target for x in lines if x.kind == "assign"}
        return [f"{name}_row_" for name in self.rows["synapse"] if name in names] + ["last"] * bool(event)

    def pre_events(self) -> None:
        plan = self.plan
        each = plan.each["pre"]
        if not each and not plan.once["pre"]:
            return
        self.out("# spikes of sources that arrive now", 2)
        if plan.delays != "axonal":
            self.out("slot_ = (q - axonal_) & pre_mask_", 2)
            self.out("end_ = slot_ * n_pre_ + count_pre[slot_] - 1", 2)
            self.out("for k in range(count_pre[slot_]):", 2)
            if each:
                # rows of different sources lie far apart
                self.out("prefetch(first, sources_ + log_pre[min(slot_ * n_pre_ + k + 8, end_)])", 3)
                self.out("ahead_ = first[sources_ + log_pre[min(slot_ * n_pre_ + k + 4, end_)]]", 3)
                for row in ("target", *self.rows_of_synapse(each)):
                    self.out(f"prefetch({row}, ahead_)", 3)
            self.out("j = log_pre[slot_ * n_pre_ + k]", 3)
            self.neuron("pre", 3)
            if each:
                self.out("for e in range(unsigned(first[sources_ + j]), unsigned(first[sources_ + j + 1])):", 3)
                self.synapse(each, "pre", 4)
            return
        at = len(BOOK) + len(plan.delivers_to) + len(plan.pre_reads) + len(plan.post_reads)
        self.out("for d_ in range(n_distinct_):", 2)
        self.out(f"steps_ = book[{at} + d_]", 3)
        self.out("slot_ = (q - steps_) & pre_mask_", 3)
        self.out("for k in range(count_pre[slot_]):", 3)
        self.out("j = log_pre[slot_ * n_pre_ + k]", 4)
        self.out("low_, end_ = first[sources_ + j], first[sources_ + j + 1]", 4)
        self.out("high_ = end_", 4)
        self.out("while low_ < high_:", 4)
        self.out("middle_ = (low_ + high_) >> 1", 5)
        self.out("if delay[middle_] < steps_:", 5)
        self.out("low_ = middle_ + 1", 6)
        self.out("else:", 5)
        self.out("high_ = middle_", 6)
        self.neuron("pre", 4)
        self.out("for e in range(unsigned(low_), unsigned(end_)):", 4)
        self.out("if delay[e] != steps_:", 5)
        self.out("break", 6)
        self.synapse(each, "pre", 5)

    def post_events(self) -> None:
        plan = self.plan
        each = plan.each["post"]
        if not each and not plan.once["post"]:
            return
        self.out("# spikes of targets that arrive now", 2)
        self.out("slot_ = (q - dendritic_) & post_mask_", 2)
        self.out("at_, low_, high_ = slot_ * n_post_, 0, count_post[slot_]", 2)
        self.out("while low_ < high_:", 2)
        self.out("middle_ = (low_ + high_) >> 1", 3)
        self.out("if log_post[at_ + middle_] < first_neuron_:", 3)
        self.out("low_ = middle_ + 1", 4)
        self.out("else:", 3)
        self.out("high_ = middle_", 4)
        self.out("for k in range(low_, count_post[slot_]):", 2)
        self.out("i = log_post[at_ + k] - first_neuron_", 3)
        self.out("if i >= block_size_:", 3)
        self.out("break", 4)
        self.neuron("post", 3)
        if each:
            self.out("from_ = block_ * (B_ + 1) + i", 3)
            self.out("for place_ in range(back_first[from_], back_first[from_ + 1]):", 3)
            # synapses of one target lie far apart (measured with 2.5 million of them: 16 ns without looking ahead, 9 with it)
            rows = self.rows_of_synapse(each)
            if rows:
                self.out(f"ahead_ = back_index[min(place_ + {AHEAD}, back_index.size - 1)]", 4)
            for row in rows:
                self.out(f"prefetch({row}, ahead_)", 4)
            self.out("e = back_index[place_]", 4)
            self.synapse(each, "post", 4)

    def module(self, version: str) -> str:
        plan = self.plan
        self.prepare()
        self.out("for q in range(step0, step0 + n_steps):", 1)
        self.rings()
        # the synapses first: all equations see the variables as they were at the beginning of the step
        self.every_step(plan.advance["synapse"])
        self.advance_neurons("pre")
        self.advance_neurons("post")
        self.every_step(plan.on_step)
        self.pre_events()
        self.post_events()
        modes = plan.homes.modes
        head = [f'"""{plan.model}: compiled plasticity, written by neurosim {version}.', "",
                f"precision: {'float32' if plan.single else 'float64'}; delays: {plan.delays}",
                "variables: " + ", ".join([f"{n} (source)" for n in plan.pre_rows] + [f"{n} (target)" for n in plan.post_rows]
                                          + [f"{n} (synapse, {m})" for n, m in modes.items()]),
                "equations:"]
        head += [f"    {text}" for text in plan.texts]
        head += ['"""', "", "import math  # noqa: F401", "", "import numpy as np  # noqa: F401", "",
                 "from neurosim.kernels.jit import entry, fma, unsigned  # noqa: F401",
                 "from neurosim.kernels.prefetch import prefetch  # noqa: F401",
                 "from neurosim.kernels.select import select  # noqa: F401"]
        vmath = sorted(self.write.used - {"fma", "select"})
        if vmath:
            head.append(f"from neurosim.kernels.vmath{'32' if plan.single else '64'} import {', '.join(vmath)}")
        literals = [f"{name} = np.float32({text})" for text, name in self.write.literals.items()]
        if literals:
            head += ["", *literals]
        names = {"syn": plan.synapse_rows, "pre": plan.pre_rows, "post": plan.post_rows}
        table = _ARGUMENTS.format(**{k: ", ".join(v) or "(none)" for k, v in names.items()},
                                  **{f"n_{k}": len(v) for k, v in names.items()}, delays=_DELAYS[plan.delays])
        body = ["@entry", "def deliver(step0, n_steps, pu, book, syn, last, pre_var, post_var, first, target, delay, "
                "back_first, back_index,",
                "            back_source, log_pre, count_pre, log_post, count_post, x_pre, x_post, ring):",
                '    """Take one block of targets through the steps step0 ... step0 + n_steps - 1.']
        body += [*table.rstrip().split("\n"), '    """']
        return "\n".join(head) + "\n\n\n" + "\n".join([*body, *self.lines]) + "\n"


def write_plastic_source(plan: PlasticPlan, version: str) -> str:
    """Return the source text of the module of a plastic projection, which holds the function `deliver`.

    Args:
        plan: the plan.
        version: version of the package, for the header.
    """
    return _Source(plan).module(version)
