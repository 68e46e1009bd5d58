"""Polychronization: a network with delays that learns groups of spikes with exact timing (Izhikevich 2006).

    dv/dt = 0.04 v^2 + 5 v + 140 - u + i,    du/dt = a (0.2 v - u),      v >= 30 mV:  v <- -65,  u <- u + d

in the scheme of the paper: two steps of 0.5 ms for v, then one of 1 ms for u with the new v; what arrives in a step is its
current i.  n_e = 800 regular spiking (a = 0.02, d = 8) and n_i = 200 fast spiking neurons (a = 0.1, d = 2), each with 100
synapses onto random neurons: excitatory ones onto all, with delays of 1 to 20 ms, inhibitory ones onto excitatory neurons, with
1 ms.  Each neuron is made to fire at random about once a second.

    source spike arrives:  i <- i + w,  c <- c - y,   x <- a_plus                dx/dt = -x/tau
    target fires:                       c <- c + x,   y <- a_minus               dy/dt = -y/tau
    every second:          w <- min(w_max, max(0, w + 0.01 + c)),  c <- 0.9 c

Only the latest spike counts (nearest neighbours); inhibitory weights stay.  tau is that of a factor of 0.95 each ms.

At first the network makes waves of 2 to 4 Hz (delta); as weights part into weak and strong ones, firing becomes irregular,
and a faster rhythm rises, first near 25 Hz, after ten minutes among those called gamma (30 to 70 Hz).  The thousands of
polychronous groups of the paper need hours (`duration`).  Their number here is an estimate from a sample of triplets of strong
connections onto a neuron: those that set off a chain of at least seven layers through the strong excitatory connections of
the silent network (see _polychronous).

Other than in the author's program spnet.m: delays are drawn independently (as in its version of 2008), random input is a
Poisson process for each neuron, a delay of 1 ms is one step (there: none), and of a spike that arrives in the step in which
its target fires, potentiation counts.

Source: E. M. Izhikevich (2006), doi:10.1162/089976606775093882.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._figures import letters, title
from ._polychronous import find

_PROGRAM = "The program spnet.m, written anew as a loop, after 600 s from another seed; differences of its order (see above)"
REFERENCE = Reference(
    citation="E. M. Izhikevich (2006), Polychronization: computation with spikes, Neural Comput. 18, 245-282",
    doi="10.1162/089976606775093882",
    numbers={
        "slow_rhythm_first": Number(4.0, 2.0, "Hz", "Section 2.3: waves of delta frequency (2 to 7 Hz) at the beginning."),
        "fast_rhythm_last": Number(50.0, 20.0, "Hz", "Section 2.3: gamma, 30 to 70 Hz, after learning; spnet.m, 600 s: 31 Hz."),
        "strong": Number(0.428, 0.05, "", f"{_PROGRAM}: excitatory weights above 0.95 w_max."),
        "weak": Number(0.320, 0.10, "", f"{_PROGRAM}: below 0.05 w_max; still growing."),
        "rate_last": Number(3.02, 0.8, "Hz", f"{_PROGRAM}: excitatory neurons, last 10 s; slow waves come and go."),
    },
)
EXCITATORY = "E->[E,I]"
#: Hz; rhythms are the highest power in the lower and in the upper part of the spectrum
DELTA, GAMMA = (2.0, 7.0), (30.0, 70.0)
SLOW, FAST = (1.0, 15.0), (15.0, 100.0)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """n_e, n_i: neurons, 800 and 200. synapses: of each neuron, 100. longest: delay (ms), 20. w_e, w_i: weights at the
    beginning (mV/ms), 6 and -5. w_max: 10. a_plus, a_minus: of the rule, 0.1 and 0.12. drift: of each weight a second, 0.01.
    memory: what stays of c after a second, 0.9. rate: of the random input (Hz), 1. kick: its strength (mV/ms), 20. strong:
    part of w_max from which a connection counts as strong, 0.95. triplets: anchors tried for polychronous groups, 3000.
    """

    n_e: int = 800
    n_i: int = 200
    synapses: int = 100
    longest: int = 20
    w_e: float = 6.0
    w_i: float = -5.0
    w_max: float = 10.0
    a_plus: float = 0.1
    a_minus: float = 0.12
    drift: float = 0.01
    memory: float = 0.9
    rate: float = _unit(1.0, "Hz")
    kick: float = 20.0
    strong: float = 0.95
    triplets: int = 3000


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return the network, for runs with ``dt=1.0``; `run` moves its weights once a second."""
    p = parameters
    cell = ns.NeuronModel.from_equations(
        """
        half = v + 0.5*dt*(0.04*v*v + 5*v + 140 - u + i_in)
        full = half + 0.5*dt*(0.04*half*half + 5*half + 140 - u + i_in)
        dv/dt = (full - v)/dt
        du/dt = a*(0.2*full - u)
        di_in/dt = -i_in/dt
        """,
        threshold="v >= 30", reset="v = -65; u += d", parameters={"a": 0.02, "d": 8.0},
        initial={"v": -65.0, "u": -13.0, "i_in": 0.0}, method="euler", name="izhikevich")
    exc = ns.Population(p.n_e, cell, name="E")
    inh = ns.Population(p.n_i, cell, name="I", parameters={"a": 0.1, "d": 2.0})
    rule = ns.PlasticityModel.from_equations(
        "dx/dt = -x/tau\ndy/dt = -y/tau\nc : 1", on_pre="c -= y; x = a_plus", on_post="c += x; y = a_minus",
        parameters={"tau": -1 / math.log(0.95), "a_plus": p.a_plus, "a_minus": p.a_minus}, name="spnet")
    outwards = ns.FixedOutDegree(p.synapses, autapses=False)
    return ns.Network(
        [exc, inh],
        projections=[
            ns.Projection(exc, [exc, inh], outwards, ns.Delta(p.w_e, variable="i_in"), plasticity=rule, name=EXCITATORY,
                          delay=ns.Choice(np.arange(1.0, p.longest + 1))),
            ns.Projection(inh, exc, outwards, ns.Delta(p.w_i, variable="i_in"), delay=1.0)],
        stimuli=[ns.PoissonInput(rate=p.rate, weight=p.kick, variable="i_in", target=[exc, inh])])


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run for `duration` ms, 600 s if None (the paper: a day), in seconds, and look for polychronous groups at the end."""
    p = parameters
    seconds = max(1, round((600_000.0 if duration is None else duration) / 1000.0))
    edges = np.linspace(0.0, p.w_max, 41)
    rates, weights, times, neurons = [], [], [], []
    network, result, before, moved = build(p), None, None, None
    kept = min(10, seconds)
    for k in range(seconds):
        result = ns.simulate(network, 1000.0, 1.0, seed=seed, threads=threads, progress=False, resume=result,
                             changes=moved)
        found = result.spikes["E"]
        rates.append([found.rates().mean(), result.spikes["I"].rates().mean()])
        if k < kept or k >= seconds - kept:
            times.append(np.concatenate([found.times, result.spikes["I"].times]))
            neurons.append(np.concatenate([found.indices, result.spikes["I"].indices + p.n_e]))
        if before is None:
            before = result.connections[EXCITATORY].weight
        moved = _consolidated(result, p)
        weights.append(np.histogram(moved[EXCITATORY]["w"], edges)[0])
    links = result.connections[EXCITATORY]
    w = moved[EXCITATORY]["w"]
    strong = w > p.strong * p.w_max
    # the drift keeps weak weights off 0, so that two bins of the histogram count as weak
    measured = {"rate_first": float(np.mean(rates[:kept], axis=0)[0]), "rate_last": float(np.mean(rates[-kept:], axis=0)[0]),
                "rate_i_last": float(np.mean(rates[-kept:], axis=0)[1]),
                "weak": float(np.mean(w < 0.05 * p.w_max)), "strong": float(strong.mean())}
    spikes = {}
    size = p.n_e + p.n_i
    for name, part, stop in (("first", slice(0, kept), kept), ("last", slice(-kept, None), seconds)):
        spikes[name] = ns.SpikeTrains(np.concatenate(times[part]), np.concatenate(neurons[part]), size,
                                      start=1000.0 * (stop - kept), stop=1000.0 * stop, name=name)
        frequency, power = ns.analysis.population_spectrum(spikes[name], bin=1.0, segment=1000.0)
        spikes[f"spectrum_{name}"] = np.stack([frequency, power])
        for band, (low, high) in (("delta", DELTA), ("gamma", GAMMA)):
            measured[f"{band}_{name}"] = float(power[(frequency >= low) & (frequency <= high)].mean())
        for rhythm, (low, high) in (("slow", SLOW), ("fast", FAST)):
            seen = (frequency >= low) & (frequency <= high)
            measured[f"{rhythm}_rhythm_{name}"] = float(frequency[seen][np.argmax(power[seen])])
    a, d = np.repeat([0.02, 0.1], [p.n_e, p.n_i]), np.repeat([8.0, 2.0], [p.n_e, p.n_i])
    groups = find(links.pre[strong], links.post[strong], links.delay[strong], w[strong], size, a, d, kick=10 * p.kick,
                  sample=p.triplets, rng=np.random.default_rng(seed))
    measured |= {"groups_found": float(groups.long.sum()), "triplets_tried": float(len(groups.anchors)),
                 "groups": float(groups.long.mean() * groups.triplets) if len(groups.anchors) else 0.0,
                 "longest_chain": float(groups.layers.max(initial=0)),
                 "chains": float(np.mean(groups.layers >= 3)) if len(groups.anchors) else 0.0}
    return Outcome(measured, {"spikes": spikes, "rates": np.array(rates), "weights": np.array(weights), "edges": edges,
                              "before": before, "after": w, "groups": groups}, p)


def _consolidated(result: ns.Result, p: Parameters) -> dict[str, dict[str, np.ndarray]]:
    """Return the weights moved by what the rule has gathered in a second, and what is left of that, as changes of a run."""
    links = result.connections[EXCITATORY]
    w, c = links["w"], links["c"]
    return {EXCITATORY: {"w": np.clip(w + p.drift + c, 0.0, p.w_max), "c": c * p.memory}}


def figure(outcome: Outcome):
    """Return rasters of the first and a late second, spectra, weights over time and at the end, and a polychronous group."""
    p, kept = outcome.parameters, outcome.results
    blue, red, grey = ns.plot.PALETTE[0], ns.plot.PALETTE[1], "#8C8C8C"
    fig, axes = ns.plot.figure(3, 2, width=7.2, height=7.2)
    for ax, name in zip(axes[0], ("first", "last")):
        spikes = kept["spikes"][name]
        start = spikes.stop - 1000.0 if name == "last" else spikes.start
        part = spikes.window(start, start + 1000.0)
        inhibitory = part.indices >= p.n_e
        for which, color in ((~inhibitory, blue), (inhibitory, red)):
            ax.plot(part.times[which] - start, part.indices[which], ".", ms=1.0, mew=0, color=color)
        ax.set(xlabel="Time (ms)", ylabel="Neuron", xlim=(0, 1000), ylim=(-5, p.n_e + p.n_i + 5))
        title(ax, f"Second {round(start / 1000) + 1}; inhibitory neurons red")
    ax = axes[1, 0]
    for name, color in (("first", grey), ("last", blue)):
        frequency, power = kept["spikes"][f"spectrum_{name}"]
        seen = (frequency > 0.5) & (frequency < 120)
        ax.plot(frequency[seen], power[seen], color=color, lw=1.1, label=f"{name} {min(10, len(kept['rates']))} s")
    for low, high in (DELTA, GAMMA):
        ax.axvspan(low, high, color=grey, alpha=0.15, lw=0)
    ax.set(xlabel="Frequency (Hz)", ylabel="Power of the population rate", xscale="log", yscale="log")
    ax.legend(frameon=False, fontsize=6, loc="upper right")
    title(ax, "Delta and gamma shaded")
    ax = axes[1, 1]
    share = kept["weights"].T / kept["weights"].sum(axis=1)
    from matplotlib.colors import LogNorm

    image = ax.pcolormesh(np.arange(share.shape[1] + 1), kept["edges"], np.ma.masked_equal(share, 0), rasterized=True,
                          norm=LogNorm(1e-3, max(0.1, share.max())), cmap=ns.plot.COLORMAP)
    bar = fig.colorbar(image, ax=ax, pad=0.02, fraction=0.05)
    bar.set_label("Share of connections", fontsize=6.5)
    bar.ax.tick_params(labelsize=6)
    ax.set(xlabel="Time (s)", ylabel="Weight (mV/ms)")
    ns.plot.weight_histogram(kept["after"], ax=axes[2, 0], bins=kept["edges"], unit="mV/ms", log_counts=True)
    ax, groups = axes[2, 1], kept["groups"]
    if len(groups.layers):
        k = int(np.argmax(groups.layers))
        t, neuron, layer = groups.spikes[k].T
        image = ax.scatter(t, neuron, c=layer, s=9, cmap=ns.plot.COLORMAP, lw=0)
        bar = fig.colorbar(image, ax=ax, pad=0.02, fraction=0.05)
        bar.set_label("Layer", fontsize=6.5)
        bar.ax.tick_params(labelsize=6)
        anchor = layer == 0
        ax.scatter(t[anchor], neuron[anchor], s=30, facecolors="none", edgecolors=red, lw=0.8)
        title(ax, f"Group of {groups.sizes[k]} spikes in {groups.layers[k]} layers")
    ax.set(xlabel="Time (ms)", ylabel="Neuron", ylim=(-5, p.n_e + p.n_i + 5))
    letters(axes.ravel(), "abcdef")
    return fig
