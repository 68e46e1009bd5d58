"""The cases of `nengo_networks` in Nengo (Bekolay et al. 2014, doi:10.3389/fninf.2013.00048).

A program for the Python that has Nengo:   nengo_side.py FILE.npz case NAME [NUMBER] [spiking | rate]
                                           nengo_side.py FILE.npz version

What is put right here: Nengo counts in seconds, takes evaluation points in units of the radius, multiplies what reaches
neurons directly by their gain and draws voltages at the beginning; all start from 0 here.
"""

from __future__ import annotations

import sys

import nengo
import numpy as np
from nengo_cases import T_REF, TAU_M, Array, Case, Group, Link, Relay, Run, Signal
from nengo_networks import CASES, FUNCTIONS

nengo.rc["decoder_cache"]["enabled"] = "False"
#: of LstsqL2, relative to the highest rate
REG = 0.1


def ensemble(g: Group, kind) -> nengo.Ensemble:
    """Return the neurons of a group."""
    return nengo.Ensemble(len(g.gain), g.size, radius=g.radius, encoders=g.encoders, gain=g.gain, bias=g.bias,
                          eval_points=g.points / g.radius, neuron_type=kind, label=g.name)


def array(a: Array, kind):
    """Return the groups of an array with their own arrays."""
    first = a.groups[0]
    made = nengo.networks.EnsembleArray(len(first.gain), len(a.groups), first.size, radius=first.radius, neuron_type=kind)
    for ens, g in zip(made.ea_ensembles, a.groups):
        ens.encoders, ens.gain, ens.bias, ens.eval_points = g.encoders, g.gain, g.bias, g.points / g.radius
    return made


def part(p, case: Case, kind):
    """Return the object of a part."""
    if isinstance(p, Group):
        return ensemble(p, kind)
    if isinstance(p, Array):
        return array(p, kind)
    if isinstance(p, Relay):
        return nengo.Node(size_in=p.size, label=p.name)
    # time is that of the end of the step
    return nengo.Node(lambda t, v=p.values: v[max(round(1000 * t / case.dt) - 1, 0)], size_out=p.size, label=p.name)


def synapse(k: Link):
    """Return the filter of a link."""
    return {"": lambda: None, "lowpass": lambda: nengo.Lowpass(k.tau / 1000), "alpha": lambda: nengo.Alpha(k.tau / 1000)}[
        k.synapse]()


def connect(k: Link, case: Case, made: dict, learns: dict):
    """Make a connection; return it, or those of an array whose function was decoded."""
    if k.post in learns:
        nengo.Connection(made[k.pre], learns[k.post].learning_rule, synapse=synapse(k))
        return None
    source, target = case.part(k.pre), case.part(k.post)
    pre, post = made[k.pre], made[k.post]
    if k.decoders is not None:
        weights = target.encoders / target.radius @ k.decoders
        return nengo.Connection(pre.neurons, post.neurons, transform=weights, synapse=synapse(k))
    options = {"synapse": synapse(k)}
    if k.function:
        options["function"] = FUNCTIONS[k.function]
    solver = nengo.solvers.LstsqL2(reg=REG, weights=k.weights)
    if isinstance(source, Group):
        options["solver"] = solver
        if k.rate is not None:
            options["learning_rule_type"] = nengo.PES(k.rate, pre_synapse=0.005)
    inner = False
    if isinstance(source, Array):
        if k.function:
            pre = pre.add_output(k.name, options.pop("function"), solver=solver, synapse=None)
        else:
            pre = pre.output
        inner = True
    if isinstance(target, Array):
        post = post.input
    if k.pre_dims is not None:
        pre = pre[list(k.pre_dims)]
    if k.post_dims is not None:
        post = post[list(k.post_dims)]
    if k.transform is not None:
        options["transform"] = k.transform
    done = nengo.Connection(pre, post, **options)
    if not inner:
        return done
    target = getattr(pre, "obj", pre)
    network = made[k.pre]
    found = [c for e in network.ea_ensembles for c in network.connections if c.pre_obj is e and c.post_obj is target]
    assert len(found) == len(source.groups)
    return found


def run(case: Case, mode: str) -> Run:
    """Run a case."""
    times = {"tau_rc": TAU_M / 1000, "tau_ref": T_REF / 1000}
    rest = {"initial_state": {"voltage": nengo.dists.Choice([0.0])}}
    kind = nengo.LIF(**times, **rest) if mode == "spiking" else nengo.LIFRate(**times)
    with nengo.Network(seed=1) as network:
        made = {p.name: part(p, case, kind) for p in case.parts}
        learns: dict[str, nengo.Connection] = {}
        links = {}
        # those that learn come first, so that errors find them
        for k in sorted(case.links, key=lambda k: k.rate is None):
            links[k.name] = connect(k, case, made, learns)
            if k.rate is not None:
                learns[k.name] = links[k.name]
        solver = nengo.solvers.LstsqL2(reg=REG)
        probes, spikes = {}, {}
        for name in case.probes:
            target = made[name]
            if isinstance(case.part(name), Array):
                probes[name] = nengo.Probe(target.output, synapse=nengo.Lowpass(case.probe_tau / 1000))
            else:
                probes[name] = nengo.Probe(target, synapse=nengo.Lowpass(case.probe_tau / 1000),
                                           **({"solver": solver} if isinstance(target, nengo.Ensemble) else {}))
        for p in case.parts:
            if isinstance(p, Signal) or mode == "rate":
                continue
            for ens, g in zip(getattr(made[p.name], "ea_ensembles", [made[p.name]]), getattr(p, "groups", [p])):
                if isinstance(g, Group):
                    spikes[g.name] = nengo.Probe(ens.neurons)
    with nengo.Simulator(network, dt=case.dt / 1000, progress_bar=False) as sim:
        sim.run_steps(case.steps, progress_bar=False)
        decoders = {}
        for k in case.decoded:
            c = links[k.name]
            decoders[k.name] = np.array([sim.data[x].weights for x in c] if isinstance(c, list) else sim.data[c].weights)
    return Run({n: np.array(sim.data[p]) for n, p in probes.items()},
               {n: tuple(x.astype(np.int32) for x in np.nonzero(sim.data[p])) for n, p in spikes.items()}, decoders)


def main(path: str, what: str, name: str = "", number: str = "0", mode: str = "spiking") -> None:
    """Write what is asked for."""
    if what == "version":
        np.savez(path, version=nengo.__version__, numpy=np.__version__)
    else:
        np.savez(path, **run(CASES[name](int(number)), mode).flat())


if __name__ == "__main__":
    main(*sys.argv[1:])
