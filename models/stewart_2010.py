"""Action selection in the basal ganglia with spiking neurons (Stewart, Choo & Eliasmith 2010).

    D1  = [(1 + c) u_i]_0.2                             [x]_e = max(x - e, 0), c = 0.2
    D2  = [(1 - c) u_i]_0.2
    STN = [u_i - GPe_i]_-0.25
    GPe = [0.9 sum_j STN_j - D2_i]_-0.2
    GPi = [0.9 sum_j STN_j - D1_i - 0.3 GPe_i]_-0.2     0 for the action of the largest utility u_i, positive for others
    thalamus = 1 - 3 GPi_i - sum_(j != i) thalamus_j    1 for the chosen action

Each of these is an ensemble of 100 LIF neurons for each action (`nef.networks.basal_ganglia`, `thalamus`), after the rate model
of Gurney, Prescott & Redgrave (2001). Synapses: 2 ms of glutamate (cortex, STN, thalamus), 8 ms of GABA (all others). No number
was chosen for the timing, which follows from the synapses.

Selection: the utilities are (0.3, 0.6, 0.3), and at `onset` the first becomes 0.6 + difference. The latency is the time to the
last spike of the GPi neurons of that action, before they are silent for 15 ms: then its inhibition has ended. For small
differences some networks never silence them.

Cycle: a cortex that holds one of five states, and five actions: if the state is k, go to k + 1. The time between two choices
depends on how long the cortex holds its state, for which we have no numbers of the paper. Ours are ensembles with a
recurrent connection (`feedback` 0.8 through 10 ms, thus for 50 ms); with 0.5 a cycle takes 21 ms.  0.8 was taken from a sweep
because the cycle then is that of the paper: this number shows that the loop can have it, not that it must.

u without unit, times in ms. Only the abstract was at hand for the published numbers.

Source: T. C. Stewart, X. Choo, C. Eliasmith (2010), 10th International Conference on Cognitive Modeling. Rate model: K. Gurney,
T. J. Prescott, P. Redgrave (2001), doi:10.1007/PL00007984 and doi:10.1007/PL00007985.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import neurosim as ns
from neurosim import nef
from neurosim.errors import ParameterError
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, mark, title

#: ms: glutamate, GABA; silence that ends an inhibition
AMPA, GABA, SILENT = 2.0, 8.0, 15.0
#: ms: time that the network is left to settle, and over which it is looked at whom it has chosen
SETTLING, LOOKED = 100.0, 100.0
#: a chosen action is above the first, and all others below it times the second
CLEAR, OTHERS = 0.4, 0.5

REFERENCE = Reference(
    citation="T. C. Stewart, X. Choo, C. Eliasmith (2010), Dynamic behaviour of a spiking model of action selection in the "
    "basal ganglia, Proceedings of the 10th International Conference on Cognitive Modeling, 235-240",
    doi="",
    numbers={
        "latency": Number(14.0, 5.0, "ms", "The abstract: an action is selected in 14 ms, longer for similar utilities. Which "
                          "utilities, and how the moment is defined, it does not say: ours are a difference of 0.3 and the end "
                          "of the spikes of GPi, mean of 20 networks. Nengo 4.1 gives 11 to 25 ms in five networks."),
        "slower": Number(1.0, 0.0, "", "The same: longer for similar utilities. 1 if the mean latency falls with every step "
                         "of the difference."),
        "selected": Number(1.0, 0.0, "", "What the model is for: part of the networks in which GPi of the action of largest "
                           "utility (by 0.3 or more) fires less than a quarter of what each other does."),
        "cycle": Number(39.0, 5.0, "ms", "The abstract: 34 to 44 ms from one simple action to the next. It depends on the "
                        "cortex, which is ours."),
        "in_order": Number(1.0, 0.0, "", "Part of the actions of the cycle that follow the one before them in the rules."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """n: neurons of each ensemble, 100. others: utilities of the second and of all other actions, 0.6 and 0.3. actions: 3.
    differences: of the utility of the first action from the second one's, after onset. networks: for the latencies, 20. onset,
    length: of the change and of a run (ms), 200 and 400. phase: time for which each action in turn is the best in the main run
    (ms), 300. states: of the cortex, 5. feedback: of the cortex onto itself, 0.8. hold: its synapse (ms), 10. cycles: length of
    that run (ms), 2000. dt: time step (ms), 1.
    """

    n: int = 100
    others: tuple[float, ...] = (0.6, 0.3)
    actions: int = 3
    differences: tuple[float, ...] = (0.1, 0.15, 0.2, 0.3, 0.4)
    networks: int = 20
    onset: float = _unit(200.0, "ms")
    length: float = _unit(400.0, "ms")
    phase: float = _unit(300.0, "ms")
    states: int = 5
    feedback: float = 0.8
    hold: float = _unit(10.0, "ms")
    cycles: float = _unit(2000.0, "ms")
    dt: float = _unit(1.0, "ms")


def _ganglia(p: Parameters, n: int) -> tuple[nef.Network, nef.Network]:
    if n < 2:
        raise ParameterError(f"There are {n} actions to choose from. Give at least 2.")
    return nef.networks.basal_ganglia(n, p.n, name="ganglia"), nef.networks.thalamus(n, p.n, name="thalamus")


def _gpi_spikes(ganglia: nef.Network) -> list[nef.Probe]:
    return [nef.Probe(e.neurons, name=f"gpi {k}") for k, e in enumerate(ganglia.gpi.ensembles)]


def build(parameters: Parameters = Parameters()) -> nef.Network:
    """Return basal ganglia and thalamus, with each action in turn the best; probes ``gpi k``, ``thalamus`` and ``utility``."""
    p = parameters
    ganglia, thalamus = _ganglia(p, p.actions)

    def utility(t: float) -> np.ndarray:
        best = int(t // p.phase) % p.actions
        return np.where(np.arange(p.actions) == best, 0.9, np.where(np.arange(p.actions) == (best + 1) % p.actions, 0.6, 0.3))

    u = nef.Node(utility, name="utility")
    return nef.Network(
        [u, ganglia, thalamus],
        [nef.Connection(u, ganglia.input, synapse=AMPA), nef.Connection(ganglia.output, thalamus.input, synapse=GABA)],
        [*_gpi_spikes(ganglia), nef.Probe(thalamus.output, synapse=AMPA, name="thalamus"), nef.Probe(u, name="utility")])


def selection(p: Parameters, difference: float) -> nef.Network:
    """Return the basal ganglia, with the first action becoming the best at `onset`; probes ``gpi k``."""
    if len(p.others) != 2:
        raise ParameterError(f"others={p.others!r} must be two utilities: of the second and of all other actions.")
    before = np.full(p.actions, p.others[1])
    before[1] = p.others[0]
    after = before.copy()
    after[0] = p.others[0] + difference
    ganglia, _ = _ganglia(p, p.actions)
    u = nef.Node(lambda t: before if t < p.onset else after, name="utility")
    return nef.Network([u, ganglia], [nef.Connection(u, ganglia.input, synapse=AMPA)], _gpi_spikes(ganglia))


def cycling(p: Parameters) -> nef.Network:
    """Return cortex, basal ganglia and thalamus in a loop: state k is followed by state k + 1; probe ``thalamus``."""
    n = p.states
    ganglia, thalamus = _ganglia(p, n)
    cortex = nef.EnsembleArray(p.n, n, name="cortex")
    start = nef.Node(lambda t: np.eye(n)[0] if t < 50.0 else np.zeros(n), name="start")
    links = [nef.Connection(start, cortex, synapse=AMPA), nef.Connection(cortex, ganglia.input, synapse=AMPA),
             nef.Connection(cortex, cortex, transform=p.feedback, synapse=p.hold),
             nef.Connection(ganglia.output, thalamus.input, synapse=GABA),
             nef.Connection(thalamus.output, cortex, transform=np.roll(np.eye(n), 1, axis=0), synapse=AMPA)]
    return nef.Network([start, cortex, ganglia, thalamus], links, [nef.Probe(thalamus.output, synapse=5.0, name="thalamus")])


def latency(times: np.ndarray, onset: float, end: float) -> float:
    """Return the time (ms) from onset to the last spike before a silence of `SILENT` ms; NaN if there is none before `end`.

    times: of the spikes of all neurons of one action in GPi, ascending.
    """
    marks = np.concatenate([[onset], times[(times > onset) & (times <= end)], [end]])
    quiet = np.flatnonzero(np.diff(marks) > SILENT)
    return float(marks[quiet[0]] - onset) if quiet.size else float("nan")


def choices(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which another action becomes the clear choice, and which.

    values: of the thalamus, shape (n_times, actions). Clear: above `CLEAR`, all others below half of it.
    """
    ordered = np.sort(values, axis=1)
    clear = (ordered[:, -1] > CLEAR) & (ordered[:, -2] < OTHERS * ordered[:, -1])
    steps = np.flatnonzero(clear)
    who = np.argmax(values[steps], axis=1)
    new = np.concatenate([[True], who[1:] != who[:-1]])[:who.size]
    return steps[new], who[new]


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Run the main network, the selections and the cycle; `duration` (ms) cuts each of the runs off.

    Network k of a difference has the seed 1000 seed + k, the same for all differences.
    """
    p = parameters
    limit = np.inf if duration is None else duration
    options = dict(threads=threads, progress=progress)
    main = nef.simulate(build(p), min(p.actions * p.phase, limit), p.dt, seed=seed, **options)
    length = min(p.length, limit)
    found, chosen = np.full((len(p.differences), p.networks), np.nan), np.zeros((len(p.differences), p.networks), bool)
    for i, difference in enumerate(p.differences):
        for k in range(p.networks):
            result = nef.simulate(selection(p, difference), length, p.dt, seed=1000 * seed + k, **options)
            if length <= p.onset:
                continue
            found[i, k] = latency(result["gpi 0"].times, p.onset, length)
            counts = [result[f"gpi {a}"].counts(max(p.onset, length - LOOKED), length).sum() for a in range(p.actions)]
            chosen[i, k] = counts[0] < 0.25 * min(counts[1:])
    mean = np.array([row[np.isfinite(row)].mean() if np.isfinite(row).any() else np.nan for row in found])
    large = np.array(p.differences) >= 0.3 - 1e-9
    order = np.argsort(p.differences)
    measured = {"latency": float(mean[np.flatnonzero(large)[np.argmin(np.array(p.differences)[large])]]) if large.any()
                else float("nan"),
                "slower": float(np.all(np.diff(mean[order]) < 0)),
                "selected": float(chosen[large].mean()) if large.any() else float("nan")}
    for difference, value, row, good in zip(p.differences, mean, found, chosen):
        name = f"{100 * difference:g}"
        measured |= {f"latency_{name}": float(value), f"undecided_{name}": float(np.mean(~np.isfinite(row))),
                     f"selected_{name}": float(good.mean())}

    loop = nef.simulate(cycling(p), min(p.cycles, limit), p.dt, seed=seed, **options)["thalamus"]
    late = loop.values[loop.times >= SETTLING]
    steps, who = choices(late)
    measured["cycle"] = float(np.mean(np.diff(steps)) * p.dt) if steps.size > 1 else float("nan")
    measured["cycle_sd"] = float(np.std(np.diff(steps)) * p.dt) if steps.size > 1 else float("nan")
    measured["in_order"] = float(np.mean((np.diff(who) % p.states) == 1)) if steps.size > 1 else float("nan")
    results: dict[str, object] = {"latencies": found, "differences": np.array(p.differences),
                                  "loop": np.column_stack([loop.times, loop.values]), "main": main.run,
                                  "thalamus": np.column_stack([main["thalamus"].times, main["thalamus"].values]),
                                  "utility": main["utility"].values}
    for k in range(p.actions):
        trains = main[f"gpi {k}"]
        results[f"gpi_{k}"] = np.column_stack([trains.times, trains.indices])
    return Outcome(measured, results, p)


def figure(outcome: Outcome):
    """Return utilities, GPi spikes and thalamus of the main run, latencies, and the cycle."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    colors = [c for c in ns.plot.PALETTE if c != "#F0E442"]
    grey = "#8C8C8C"
    fig, axes = ns.plot.figure(2, 2, width=7.2, height=4.7)
    spikes, relay, delay, cycle = np.ravel(axes)
    t = r["thalamus"][:, 0]
    few = min(40, p.n)
    for k in range(p.actions):
        color = colors[k % len(colors)]
        times, who = r[f"gpi_{k}"].T
        shown = who < few
        spikes.plot(times[shown], who[shown] + k * few, ls="", marker="|", ms=2, color=color)
        spikes.plot(t, (p.actions + k + 0.8 * r["utility"][:, k]) * few, color=color, lw=1.1)
        relay.plot(t, r["thalamus"][:, 1 + k], color=color, lw=0.9, label=f"action {k + 1}")
    spikes.set(xlabel="Time (ms)", xlim=(0, t[-1]), ylim=(0, 2 * p.actions * few), yticks=[0.5 * p.actions * few,
               1.5 * p.actions * few], yticklabels=["GPi", "utility"])
    title(spikes, f"utilities, and spikes of {few} GPi neurons each")
    relay.set(xlabel="Time (ms)", ylabel="Thalamus", xlim=(0, t[-1]), ylim=(-0.1, 1.6))
    legend(relay, "upper right", ncols=p.actions)
    title(relay, "the chosen action")
    for change in np.arange(p.phase, t[-1], p.phase):
        for ax in (spikes, relay):
            ax.axvline(change, color=grey, lw=0.6, ls=":")

    d = r["differences"]
    delay.plot(np.repeat(d, r["latencies"].shape[1]), r["latencies"].ravel(), ls="", marker="o", ms=2.5, color=colors[0],
               alpha=0.5, mec="none")
    delay.plot(d, [m[f"latency_{100 * x:g}"] for x in d], color=colors[0], lw=1.1, marker="_", ms=12, label="mean")
    delay.axhline(14.0, color=grey, lw=0.8, ls="--", label="paper")
    delay.set(xlabel="Difference of utilities", ylabel="Latency (ms)", ylim=(0, None), xticks=d)
    legend(delay, "upper right")
    title(delay, f"end of inhibition, {p.networks} networks")

    part = r["loop"][r["loop"][:, 0] < 400.0]
    for k in range(p.states):
        cycle.plot(part[:, 0], part[:, 1 + k], color=colors[k % len(colors)], lw=1.0)
    steps, _ = choices(part[:, 1:])
    for step in steps:
        mark(cycle, part[step, 0], "")
    cycle.set(xlabel="Time (ms)", ylabel="Thalamus", xlim=(0, part[-1, 0]), ylim=(-0.1, 1.3))
    title(cycle, f"cycle of {p.states} actions, {m['cycle']:.0f} ms each")
    letters(np.ravel(axes))
    return fig
