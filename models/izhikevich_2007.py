"""Reward that comes seconds too late: dopamine acts on what spikes have marked (Izhikevich 2007).

    source spike arrives:  c <- c - 1.5 a y,   x <- 1       target fires:  c <- c + a x,   y <- 1        c: eligibility
    tau_c dc/dt = -c,     dw/dt = c (tonic + d)/tau_w,   0 <= w <= w_max;      tau dx/dt = -x,   tau dy/dt = -y
    tau_d dd/dt = -d,     reward:  d <- d + amount

n_e = 800 regular spiking and n_i = 200 fast spiking neurons, each with 100 synapses onto random neurons (inhibitory ones onto
excitatory neurons, fixed), delays of 1 ms, and noise that makes them fire twice a second; neurons and scheme are those of
izhikevich_2006.  One synapse, from neuron n1 to n2, is chosen and set to 0; whenever n2 fires within `window` after n1, for
whatever reason, a reward comes 1 to 3 s later.  By then all other neurons have fired several times, and the reward tells all
synapses the same.  Yet only between n1 and n2 do pairs of spikes precede it every time: that synapse grows to w_max, and
because it then makes n2 fire, it stays there.  How soon is up to chance, for only chance makes n2 fire after n1 at first: four
runs took 7 to 22 minutes.  In the control the same rewards come at the same times to another network, in which nothing that
the synapse does causes them.

Between two events of a synapse c only decays, so that nothing need be done to its weight in each step: with

    g = exp(-s/tau_c),     dK/dt = (tonic + d) g/tau_w,     q = c/g                  s: time within a stretch of 10 s

q stands still and w grows by q (K - k), k being K at the event before.  As tonic + d > 0, w moves one way in between, and
limiting it at events is limiting it always.  (Events see the end of a step: `g_end` is g there, e^-10 at the end of a stretch.)

Constants are those of the author's program daspnet.m.  Other than there, noise is normal with the same variance, `window` is
the 10 ms of the paper (there 20), n2 is excitatory, rewards come at multiples of 5 ms (an observer looks that often) and
weights move in every step, not every 10 ms.

Source: E. M. Izhikevich (2007), doi:10.1093/cercor/bhl152.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title

REFERENCE = Reference(
    citation="E. M. Izhikevich (2007), Solving the distal reward problem through linkage of STDP and dopamine signaling, "
    "Cereb. Cortex 17, 2443-2452",
    doi="10.1093/cercor/bhl152",
    numbers={
        "chosen": Number(4.0, 0.5, "mV", "Fig. 1: the chosen synapse rises from 0 to the maximum of 4 mV. Median of the last "
                                         "quarter, as chance takes it below for some minutes now and then. Tolerance ours."),
        "stronger": Number(0.0, 0.05, "", "The same: part of the other synapses that are stronger, median of the last quarter. "
                                          "Tolerance ours; a synapse drawn at random would meet it by a chance of 0.05."),
        "others": Number(0.7, 0.2, "mV", "Measured here (two seeds): mean of all others, which begin at 1 mV; as above."),
        "rate": Number(1.9, 0.2, "Hz", "Measured here (two seeds): excitatory neurons."),
    },
)
SYNAPSES = "E->[E,I]"
#: ms between consolidations, in which g falls to e^-10, and between two looks of the observer
STRETCH, LOOK = 10_000.0, 5.0


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """n_e, n_i: neurons, 800 and 200. synapses: of each neuron, 100. w_e, w_i: weights at the beginning (mV/ms), 1 and -1.

    w_max: 4. noise: standard deviation of the random input in each ms (mV/ms), 3.75. a: eligibility by a pair, source first,
    0.1. ratio: target first, against a, 1.5. tau: window of pairs (ms), 19.5 (a factor of 0.95 each ms). tau_c: of
    eligibility (ms), 1000. tau_d: of dopamine (ms), 200. tau_w: of weights (ms), 10. tonic: dopamine at rest, 0.002. amount:
    of a reward, 0.5. window: in which n2 must follow n1 (ms), 10. soonest, latest: a reward after its cause (ms), 1000 and
    3000.
    """

    n_e: int = 800
    n_i: int = 200
    synapses: int = 100
    w_e: float = 1.0
    w_i: float = -1.0
    w_max: float = 4.0
    noise: float = 3.75
    a: float = 0.1
    ratio: float = 1.5
    tau: float = _unit(19.5, "ms")
    tau_c: float = _unit(1000.0, "ms")
    tau_d: float = _unit(200.0, "ms")
    tau_w: float = _unit(10.0, "ms")
    tonic: float = 0.002
    amount: float = 0.5
    window: float = _unit(10.0, "ms")
    soonest: float = _unit(1000.0, "ms")
    latest: float = _unit(3000.0, "ms")


class Observer:
    """Hands out rewards: called by the network every `LOOK` ms with the times since n1 and since n2 fired.

    Args:
        parameters: the parameters. rng: for the delays. given: times of rewards (ms) that come whatever is seen, or None.

    Attributes:
        due: times of all rewards (ms), multiples of `LOOK`. causes: when n2 had followed n1 (ms).
    """

    def __init__(self, parameters: Parameters, rng: np.random.Generator, given: Iterable[float] | None = None):
        self._parameters, self._rng, self._given = parameters, rng, given is not None
        self.due, self.causes = set(() if given is None else given), []

    def __call__(self, t: float, since: list[np.ndarray]) -> float:
        p, (first, second) = self._parameters, (float(x[0]) for x in since)
        # n2 has fired since the last look, and n1 before it
        if second < LOOK and 0 < first - second <= p.window:
            self.causes.append(t - second)
            if not self._given:
                self.due.add(LOOK * round((t - second + self._rng.uniform(p.soonest, p.latest)) / LOOK))
        return p.amount / LOOK if t in self.due else 0.0


def build(parameters: Parameters = Parameters(), *, pair: tuple[int, int] = (0, 1),
          observer: Observer | None = None) -> ns.Network:
    """Return the network, for runs with ``dt=1.0`` in stretches (see `consolidated`); the observer watches two neurons of E."""
    p = parameters
    cell = ns.NeuronModel.from_equations(
        """
        current = i_in + i_noise
        half = v + 0.5*dt*(0.04*v*v + 5*v + 140 - u + current)
        full = half + 0.5*dt*(0.04*half*half + 5*half + 140 - u + current)
        dv/dt = (full - v)/dt
        du/dt = a*(0.2*full - u)
        di_in/dt = -i_in/dt
        di_noise/dt = -i_noise/dt + noise*xi/sqrt(dt)
        dsince/dt = 1
        dd/dt = -d/tau_d + reward
        ds/dt = 1
        g = exp(-(s - stretch*floor(s/stretch))/tau_c)
        dK/dt = (tonic + d)*g/tau_w
        g_end = exp(-(s - stretch*floor((s - 1)/stretch))/tau_c)
        """,
        threshold="v >= 30", reset="v = -65; u += jump; since = 0", inputs=["reward"], method="euler_maruyama",
        name="izhikevich", initial={"v": -65.0, "u": -13.0, "since": 1e9},
        parameters={"a": 0.02, "jump": 8.0, "stretch": STRETCH,
                    **{k: getattr(p, k) for k in ("noise", "tau_d", "tau_c", "tau_w", "tonic")}})
    exc = ns.Population(p.n_e, cell, name="E")
    inh = ns.Population(p.n_i, cell, name="I", parameters={"a": 0.1, "jump": 2.0})
    rule = ns.PlasticityModel.from_equations(
        "dx/dt = -x/tau\ndy/dt = -y/tau\nq : 1\nk : 1",
        on_pre="w += q*(K_post - k); k = K_post; send(w); q -= ratio*a*y/g_end_post; x = 1",
        on_post="w += q*(K_post - k); k = K_post; q += a*x/g_end_post; y = 1", bounds={"w": (0.0, p.w_max)},
        parameters={"tau": p.tau, "a": p.a, "ratio": p.ratio}, name="dopamine")
    outwards = ns.FixedOutDegree(p.synapses, autapses=False)
    return ns.Network(
        [exc, inh],
        projections=[
            ns.Projection(exc, [exc, inh], outwards, ns.Delta(p.w_e, variable="i_in"), plasticity=rule, delay=1.0,
                          name=SYNAPSES),
            ns.Projection(inh, exc, outwards, ns.Delta(p.w_i, variable="i_in"), delay=1.0)],
        stimuli=[ns.Callback(observer or Observer(p, np.random.default_rng(0)), target=[exc, inh], input="reward", every=LOOK,
                             reads=[(exc[[k]], "since") for k in pair])])


def consolidated(result: ns.Result, p: Parameters) -> dict[str, np.ndarray]:
    """Return w, q (as g is 1 again) and k of the synapses at the end of a stretch, as changes for the next one."""
    links, total = result.connections[SYNAPSES], result.final("E", "K")[0]
    w = np.clip(links["w"] + links["q"] * (total - links["k"]), 0.0, p.w_max)
    return {"w": w, "q": links["q"] * math.exp(-STRETCH / p.tau_c), "k": np.full(len(w), total)}


def choose(parameters: Parameters, seed: int) -> tuple[int, int, np.ndarray]:
    """Return the number of the first synapse of n1 = 0 onto an excitatory neuron, n2, and the weights at the beginning."""
    links = ns.simulate(build(parameters), 0.0, 1.0, seed=seed, progress=False).connections[SYNAPSES]
    chosen = int(np.flatnonzero((links.pre == 0) & (links.post < parameters.n_e))[0])
    w = links["w"].copy()
    w[chosen] = 0.0
    return chosen, int(links.post[chosen]), w


def _learn(p: Parameters, stretches: int, seed: int, threads: int, given: Iterable[float] | None = None) -> dict[str, object]:
    """Return what happened: path (chosen weight, mean of the others, part of them that is stronger, rate) and the end."""
    chosen, n2, w = choose(p, seed)
    observer = Observer(p, np.random.default_rng(seed), given)
    network, result, path = build(p, pair=(0, n2), observer=observer), None, []
    moved = {"w": w}
    for _ in range(stretches):
        result = ns.simulate(network, STRETCH, 1.0, seed=seed, threads=threads, progress=False, resume=result,
                             changes={SYNAPSES: moved})
        moved = consolidated(result, p)
        w = moved["w"]
        path.append([w[chosen], np.delete(w, chosen).mean(), np.mean(w > w[chosen]), result.spikes["E"].rates().mean()])
    return {"path": np.array(path), "chosen": w[chosen], "others": np.delete(w, chosen), "due": np.array(sorted(observer.due)),
            "causes": np.array(observer.causes)}


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run network and control for `duration` ms each, an hour if None, in stretches of 10 s; `progress` is not used."""
    p, stretches = parameters, max(2, round((3_600_000.0 if duration is None else duration) / STRETCH))
    rewarded = _learn(p, stretches, seed, threads)
    control = _learn(p, stretches, seed + 1, threads, rewarded["due"])
    names = ("chosen", "others", "stronger", "rate")
    measured = dict(zip(names, np.median(rewarded["path"][3 * stretches // 4:], axis=0)), rewards=len(rewarded["causes"]))
    for name, value in zip(names, np.median(control["path"][3 * stretches // 4:], axis=0)):
        measured[f"control_{name}"] = value
    return Outcome({name: float(value) for name, value in measured.items()},
                   {"rewarded": rewarded, "control": control}, p)


def figure(outcome: Outcome):
    """Return the weight over time, with reward and in the control, pairs that it caused, and all weights at the end."""
    p, kept = outcome.parameters, outcome.results
    blue, red, grey = ns.plot.PALETTE[0], ns.plot.PALETTE[1], "#8C8C8C"
    path, control = kept["rewarded"]["path"], kept["control"]["path"]
    minutes = (1 + np.arange(len(path))) * STRETCH / 60_000
    fig, axes = ns.plot.figure(1, 3, width=7.2, height=2.3)
    a, b, c = axes[0]
    a.plot(np.append(0, minutes), np.append(0, path[:, 0]), color=red, lw=1.2, label="chosen")
    a.plot(np.append(0, minutes), np.append(0, control[:, 0]), color=blue, lw=0.9, label="chosen, control")
    a.plot(np.append(0, minutes), np.append(p.w_e, path[:, 1]), color=grey, lw=1.2, label="mean of others")
    a.set(xlabel="Time (min)", ylabel="Weight (mV)", xlim=(0, minutes[-1]), ylim=(-0.05 * p.w_max, 1.5 * p.w_max))
    a.set_yticks(np.linspace(0, p.w_max, 5))
    legend(a, "upper left")
    title(a, "One synapse is singled out")
    for name, color in (("rewarded", red), ("control", blue)):
        times = np.concatenate([[0.0], kept[name]["causes"] / 60_000, minutes[-1:]])
        b.step(times, np.minimum(np.arange(len(times)), len(times) - 2), where="post", color=color, lw=1.2, label=name)
    b.set(xlabel="Time (min)", ylabel="n1 before n2 so far", xlim=(0, minutes[-1]))
    b.set_ylim(bottom=0)
    legend(b, "upper left")
    title(b, "It causes what is rewarded")
    c.hist(kept["rewarded"]["others"], np.linspace(0, p.w_max, 41), color=grey, lw=0)
    c.axvline(kept["rewarded"]["chosen"], color=red, lw=1.2)
    c.set(xlabel="Weight (mV)", ylabel="Synapses", yscale="log", xlim=(-0.02 * p.w_max, 1.02 * p.w_max))
    title(c, "At the end (line: the chosen one)")
    letters((a, b, c))
    return fig
