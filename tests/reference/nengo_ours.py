"""The cases of `nengo_networks` with the descriptions of `neurosim.nef`."""

from __future__ import annotations

import numpy as np
from nengo_cases import T_REF, TAU_M, Array, Case, Group, Link, Relay, Run, Signal
from nengo_networks import FUNCTIONS

from neurosim import nef

#: of the solver, relative to the highest rate
SOLVER = nef.L2(reg=0.1)
NEURONS = nef.LIF(tau_m=TAU_M, t_ref=T_REF)


def part(p, case: Case):
    """Return the object of a part."""
    if isinstance(p, Signal):
        return nef.Node(nef.Samples(p.values, case.dt), name=p.name)
    if isinstance(p, Relay):
        return nef.Node(size_in=p.size, name=p.name)
    g = p if isinstance(p, Group) else p.groups[0]
    given = {"radius": g.radius, "encoders": g.encoders, "gain": g.gain, "bias": g.bias, "eval_points": g.points,
             "neurons": NEURONS}
    if isinstance(p, Group):
        return nef.Ensemble(len(g.gain), g.size, name=p.name, **given)
    return nef.EnsembleArray(len(g.gain), len(p.groups), g.size, name=p.name, **given)


def connection(k: Link, case: Case, made: dict) -> nef.Connection:
    """Return the connection of a link; `made` has the parts and the links that learn."""
    synapse = {"": lambda: None, "lowpass": lambda: nef.Lowpass(k.tau), "alpha": lambda: nef.Alpha(k.tau)}[k.synapse]()
    target = case.find(k.post)
    if target is None:
        return nef.Connection(made[k.pre], made[k.post].error, synapse=synapse, name=k.name)
    if k.decoders is not None:
        weights = (target.gain / target.radius)[:, None] * target.encoders @ k.decoders
        return nef.Connection(made[k.pre].neurons, made[k.post].neurons, transform=weights, synapse=synapse, name=k.name)
    pre = made[k.pre] if k.pre_dims is None else made[k.pre][list(k.pre_dims)]
    post = made[k.post] if k.post_dims is None else made[k.post][list(k.post_dims)]
    options = {"solver": SOLVER, "weights": k.weights} if k in case.decoded else {}
    if k.rate is not None:
        options["learning"] = nef.PES(k.rate, pre_synapse=5.0)
    return nef.Connection(pre, post, function=FUNCTIONS[k.function] if k.function else None, transform=k.transform,
                          synapse=synapse, name=k.name, **options)


def network(case: Case) -> tuple[nef.Network, dict]:
    """Return (network, objects by name: parts, links, and probes as "probe NAME")."""
    made = {p.name: part(p, case) for p in case.parts}
    for k in sorted(case.links, key=lambda k: case.find(k.post) is None):
        made[k.name] = connection(k, case, made)
    for name in case.probes:
        options = {} if isinstance(case.part(name), (Signal, Relay)) else {"solver": SOLVER}
        made[f"probe {name}"] = nef.Probe(made[name], synapse=case.probe_tau, name=f"probe {name}", **options)
    probes = [made[f"probe {name}"] for name in case.probes]
    probes += [nef.Probe(e.neurons, name=f"spikes {g.name}") for g, e in ensembles(case, made)]
    return nef.Network([made[p.name] for p in case.parts], [made[k.name] for k in case.links], probes), made


def ensembles(case: Case, made: dict) -> list[tuple[Group, nef.Ensemble]]:
    """Return the groups with their ensembles, those of arrays as well."""
    return [(g, e) for p in case.parts if isinstance(p, (Group, Array))
            for g, e in zip(getattr(p, "groups", (p,)), getattr(made[p.name], "ensembles", (made[p.name],)))]


def decoders(case: Case) -> dict[str, np.ndarray]:
    """Return the decoders of a case in the form of `Run`, without running it."""
    net, made = network(case)
    built, out = nef.build(net, case.dt, seed=0), {}
    for k in case.decoded:
        item = made[k.name]
        if k.weights:
            out[k.name] = built.weights[item]
        elif isinstance(case.part(k.pre), Array):
            out[k.name] = np.array([d.T for d in built.decoders(item)])
        else:
            d = built.decoders(item).T
            out[k.name] = d if k.transform is None else k.transform @ d
    return out


def run(case: Case, mode: str = "spiking", threads: int = 1) -> Run:
    """Run a case."""
    net, made = network(case)
    result = nef.simulate(net, case.duration, case.dt, threads=threads, progress=False,
                          mode=nef.SPIKING if mode == "spiking" else nef.RATE)
    outputs = {name: result[made[f"probe {name}"]].values for name in case.probes}
    spikes = {}
    for g, ensemble in ensembles(case, made) if mode == "spiking" else ():
        trains = result.spikes[ensemble]
        # the spike of step k is at (k + 1) dt
        steps = np.rint(trains.times / case.dt).astype(np.int32) - 1
        order = np.lexsort((trains.indices, steps))
        spikes[g.name] = steps[order], np.asarray(trains.indices, np.int32)[order]
    return Run(outputs, spikes)
