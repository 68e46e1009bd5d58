"""A few plastic synapses by hand: the arrays of the generated `deliver`, and a naive twin that knows no arrays at all."""

from __future__ import annotations

import importlib.util
import sys
import types
from dataclasses import dataclass, field

import numpy as np

from neurosim.codegen.plastic import write_plastic_source
from neurosim.codegen.plastic_arrays import initial_rows, make_plastic_book, plastic_constants
from neurosim.codegen.plastic_plan import make_plastic_plan
from neurosim.kernels import jit
from neurosim.model.calculus import ZERO, affine, derivative, simplify
from neurosim.model.expression import Node, Sym, evaluate

H = L = 64


@dataclass
class Synapses:
    """Connections with delays in steps; `weight` and `drawn` (parameters) have one value for each."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    axonal: np.ndarray
    dendritic: np.ndarray
    n_pre: int
    n_post: int
    drawn: dict = field(default_factory=dict)


def random_synapses(seed, n_pre, n_post, n, delays, drawn=()):
    """Connections with repetitions, drawn."""
    rng = np.random.default_rng(seed)
    axonal = rng.integers(0, 9, n) if delays == "axonal" else np.full(n, 4)
    dendritic = rng.integers(0, 9, n) if delays == "dendritic" else np.full(n, 3)
    return Synapses(rng.integers(0, n_pre, n), rng.integers(0, n_post, n), rng.uniform(0.1, 0.9, n), axonal, dendritic,
                    n_pre, n_post, {name: rng.uniform(0.5, 1.5, n) * scale for name, scale in drawn})


def load(source, folder, name):
    """Return `deliver` compiled, and as the interpreter runs it."""
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if jit.DISABLED:
        return module.deliver, module.deliver
    function = module.deliver.py_func
    names = {**vars(module), **jit._python_operations(), "select": lambda c, a, b: a if c else b,
             "prefetch": lambda array, place: array[int(place):int(place) + 1]}
    return module.deliver, jit._quiet(types.FunctionType(function.__code__, names))


class Block:
    """All arrays of a plastic projection, and the loop over steps."""

    def __init__(self, model, synapses, neurons, *, delays="homogeneous", single=False, B=64, dt=0.1, folder, name):
        self.model, self.s, self.dt, self.B = model, synapses, dt, B
        plan = self.plan = make_plastic_plan(model, *neurons, varying=set(synapses.drawn), delays=delays, single=single)
        self.source = write_plastic_source(plan, "test")
        self.compiled, self.plain = load(self.source, folder, name)
        real = np.float32 if single else np.float64
        s, n = synapses, len(synapses.pre)
        self.n_blocks = -(-s.n_post // B)
        steps = s.axonal if delays == "axonal" else s.dendritic
        self.order = order = np.lexsort((s.post % B, steps, s.pre, s.post // B))
        block = (s.post // B)[order]
        cell = block * s.n_pre + s.pre[order]
        self.first = np.concatenate([np.searchsorted(cell, np.arange(b * s.n_pre, (b + 1) * s.n_pre + 1))
                                     for b in range(self.n_blocks)]).astype(np.int64)
        self.target = (s.post % B)[order].astype(np.uint16)
        self.delay = steps[order].astype(np.uint16)
        back = np.lexsort((np.arange(n), s.post[order]))
        self.back_index = back.astype(np.int32)
        self.back_source = s.pre[order][back].astype(np.int32)
        ends = [np.searchsorted(s.post[order][back], np.arange(b * B, (b + 1) * B + 1)) for b in range(self.n_blocks)]
        self.back_first = np.concatenate(ends).astype(np.int64)
        values = {**model.parameters, **{k: v[order] for k, v in s.drawn.items()}}
        self.pu = plastic_constants(plan, values, dt, neurons[0].parameters, neurons[1].parameters)
        rows = initial_rows(plan, model, s.weight[order], values)
        self.syn = np.concatenate([np.broadcast_to(rows[r], n) for r in plan.synapse_rows]).astype(real)
        self.pre_var = np.concatenate([np.full(s.n_pre, rows[r]) for _ in range(self.n_blocks) for r in plan.pre_rows]
                                      or [np.zeros(1)]).astype(real)
        self.post_var = np.concatenate([np.full(self.n_blocks * B, rows[r]) for r in plan.post_rows]
                                       or [np.zeros(1)]).astype(real)
        self.last = np.full(n, -1, np.int64)
        self.x = [np.zeros(-(-count // 64) * 64 * max(1, len(reads)), real)
                  for count, reads in ((s.n_pre, plan.pre_reads), (s.n_post, plan.post_reads))]
        self.n_rings = plan.sends + len(plan.delivers_to)
        self.ring = np.zeros(max(1, self.n_rings) * self.n_blocks * L * B, real)
        distinct = np.unique(s.axonal) if delays == "axonal" else ()
        self.books = [make_plastic_book(
            plan, n_pre=s.n_pre, n_post=s.n_post, n_synapses=n, block=b, n_blocks=self.n_blocks, B=B, ring_mask=L - 1,
            pre_mask=H - 1, post_mask=H - 1, R_pre=max(1, len(plan.pre_reads)), R_post=max(1, len(plan.post_reads)),
            first_neuron=b * B, block_size=min(B, s.n_post - b * B),
            axonal=0 if delays == "axonal" else int(s.axonal.max(initial=0)),
            dendritic=0 if delays == "dendritic" else int(s.dendritic.max(initial=0)), distinct=distinct, receptor_row=0,
            written_rows={state: k + plan.sends for k, state in enumerate(plan.delivers_to)},
            pre_rows={r: k for k, r in enumerate(plan.pre_reads)}, post_rows={r: k for k, r in enumerate(plan.post_reads)})
            for b in range(self.n_blocks)]

    def run(self, spikes, states, n_steps, compiled=False, blocks=None, first_step=0):
        """Return arrivals by (step, ring row, target); spikes and states are functions of (side, step)."""
        function = self.compiled if compiled else self.plain
        logs = [np.zeros(H * count, np.int32) for count in (self.s.n_pre, self.s.n_post)]
        counts = [np.zeros(H, np.int64) for _ in range(2)]
        arrived = np.zeros((n_steps, max(1, self.n_rings), self.s.n_post))
        ring = self.ring.reshape(max(1, self.n_rings), self.n_blocks, L, self.B)
        for q in range(max(0, first_step - H + 1), first_step + n_steps):
            for k, side in enumerate(("pre", "post")):
                found = spikes(side, q)
                size = self.s.n_pre if k == 0 else self.s.n_post
                logs[k][(q % H) * size:(q % H) * size + len(found)] = found
                counts[k][q % H] = len(found)
            if q < first_step:
                continue
            now = ring[:, :, q % L, :]
            arrived[q - first_step] = now.reshape(len(ring), -1)[:, :self.s.n_post]
            now[:] = 0
            for k, reads in enumerate((self.plan.pre_reads, self.plan.post_reads)):
                tiles = self.x[k].reshape(-1, max(1, len(reads)), 64)
                for row, name in enumerate(reads):
                    values = states("pre" if k == 0 else "post", name, q)
                    padded = np.zeros(tiles.shape[0] * 64)
                    count = self.s.n_pre if k == 0 else self.s.n_post
                    padded[:count] = values[:count]
                    tiles[:, row] = padded.reshape(-1, 64)
            for b in blocks or range(self.n_blocks):
                function(q, 1, self.pu, self.books[b], self.syn, self.last, self.pre_var, self.post_var, self.first,
                         self.target, self.delay, self.back_first, self.back_index, self.back_source, logs[0], counts[0],
                         logs[1], counts[1], self.x[0], self.x[1], self.ring)
        return arrived

    def row(self, name):
        """Return a variable of the synapses in the order in which they were given."""
        n = len(self.order)
        k = self.plan.synapse_rows.index(name)
        found = np.empty(n)
        found[self.order] = self.syn[k * n:(k + 1) * n]
        return found

    def everything(self):
        """Return a copy of all that the function writes."""
        return [a.copy() for a in (self.syn, self.last, self.pre_var, self.post_var, self.ring)]


def twin(model, synapses, neurons, spikes, states, n_steps, dt):
    """Return (arrivals, variables by name): every variable of every synapse, every equation in every step.

    Derived quantities are evaluated one after the other; equations are advanced by x + dt f exprel(dt df/dx), which is exact
    for a linear equation of its own.
    """
    s, n = synapses, len(synapses.pre)
    rows = (["send"] if model.sends else []) + list(model.delivers_to)
    arrived = np.zeros((n_steps + 80, max(1, len(rows)), s.n_post))
    env = {**model.parameters, **s.drawn, "w": s.weight.astype(float), "dt": dt}
    env |= {name: evaluate(v, env) + np.zeros(n) if isinstance(v, Node) else np.full(n, v) for name, v in model.initial.items()}
    slopes = {}
    for v in model.variables:
        drift = simplify(model.expanded(v.drift))
        split = affine(drift, v.name)
        slopes[v.name] = simplify(split[0] if split else derivative(drift, v.name))

    def look(q):
        for r in model.reads:
            neuron, k = neurons[r.side == "post"], s.pre if r.side == "pre" else s.post
            own = {**neuron.parameters, **{name: states(r.side, name, q)[k] for name in neuron.state_names}}
            env[r.name] = evaluate(neuron.expanded(Sym(r.variable)), own)

    def derive():
        for d in model.derived:
            env[d.name] = evaluate(d.value, env)

    def act(actions, mask, q):
        for a in actions:
            derive()
            value = evaluate(a.value, env) + np.zeros(n)
            if a.kind == "assign":
                env[a.target] = np.where(mask, value, env[a.target])
            else:
                row = 0 if a.kind == "send" else rows.index(a.target.removesuffix("_post"))
                np.add.at(arrived, (q + 1 + s.dendritic[mask], row, s.post[mask]), value[mask])

    fired = {side: np.zeros((n_steps, size), bool) for side, size in (("pre", s.n_pre), ("post", s.n_post))}
    for q in range(n_steps):
        for side in fired:
            fired[side][q, spikes(side, q)] = True
        look(q)
        derive()
        new = {}
        for v in model.variables:
            f, z = evaluate(v.drift, env), evaluate(slopes[v.name], env) * dt + np.zeros(n)
            new[v.name] = env[v.name] + dt * f * np.where(z == 0, 1.0, np.expm1(z) / np.where(z == 0, 1.0, z))
        env |= new
        for name, (low, high) in model.bounds.items():
            if slopes[name] != ZERO or model.variables[model.variable_names.index(name)].drift != ZERO:
                env[name] = np.clip(env[name], evaluate(low, env), evaluate(high, env))
        act(model.on_step, np.ones(n, bool), q)
        for side, actions, steps, neuron in (("pre", model.on_pre, s.axonal, s.pre),
                                             ("post", model.on_post, s.dendritic, s.post)):
            mask = (q >= steps) & fired[side][np.maximum(q - steps, 0), neuron]
            act(actions, mask, q)
    return arrived[:n_steps], env
