"""A random network whose statistics are compared, each simulator with its own connections and its own random numbers.

    tau_m dv/dt = -v,   v <- v + j or - g j at a spike,   2,000 + 500 neurons with 200 + 50 inputs each,
    and Poisson kicks of j from outside at eta v_th/(j tau_m): the asynchronous irregular state of Brunel 2000
    (doi:10.1023/A:1008925309027) at a size with which seconds are soon run

A seed gives three samples (`Measures`): the spike count of every neuron, the CV of its intervals, and the correlations of
all pairs of some neurons.  `split_rank` judges two groups of seeds by Kolmogorov-Smirnov distances.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

N_E, N_I, C_E, C_I = 2_000, 500, 200, 50
J, G, ETA = 0.4, 5.0, 2.0
TAU_M, V_TH, V_RESET, T_REF, DELAY, DT = 20.0, 20.0, 10.0, 2.0, 1.5, 0.1
#: kicks from outside for one neuron, Hz
OUTSIDE = 1000 * ETA * V_TH / (J * TAU_M)
START, STOP = 200.0, 2200.0
#: neurons whose pairs are correlated, width of a bin in ms
PAIRED, BIN = 60, 5.0
SEEDS = {"brian2": 8, "nest": 8, "neurosim": 4}
NAMES = ("counts", "cv", "correlations")


def measures(times: np.ndarray, neurons: np.ndarray) -> dict[str, np.ndarray]:
    """Return the samples of a run, in few bytes: spike counts, CVs (0 for fewer than three intervals), correlations."""
    keep = (times >= START) & (times < STOP)
    times, neurons = times[keep], neurons[keep].astype(np.int64)
    order = np.lexsort((times, neurons))
    times, neurons = times[order], neurons[order]
    size = N_E + N_I
    same = np.diff(neurons) == 0
    intervals, owner = np.diff(times)[same], neurons[1:][same]
    n = np.bincount(owner, minlength=size)
    mean = np.bincount(owner, intervals, size) / np.maximum(n, 1)
    spread = np.sqrt(np.bincount(owner, (intervals - mean[owner])**2, size) / np.maximum(n, 1))
    cv = np.where(n >= 3, spread / np.where(n >= 3, mean, 1.0), 0.0)
    some = neurons < PAIRED
    bins = np.floor((times[some] - START) / BIN).astype(int)
    table = np.zeros((PAIRED, round((STOP - START) / BIN)))
    np.add.at(table, (neurons[some], bins), 1.0)
    # a silent neuron would have no correlation: none is here, at 35 Hz
    pairs = np.corrcoef(table)[np.triu_indices(PAIRED, 1)]
    return {"counts": np.bincount(neurons, minlength=size).astype(np.uint8), "cv": cv.astype(np.float16),
            "correlations": pairs.astype(np.float16)}


def distance(one: np.ndarray, two: np.ndarray) -> float:
    """Return the Kolmogorov-Smirnov distance of two samples."""
    at = np.union1d(one, two)
    below = [np.searchsorted(np.sort(x), at, side="right") / len(x) for x in (one, two)]
    return float(np.max(np.abs(below[0] - below[1])))


def split_rank(first: list[np.ndarray], second: list[np.ndarray]) -> tuple[int, int, float, float]:
    """Judge whether two groups of seeds come from one simulator.

    D_cross, the mean distance between seeds of different groups, less the mean distance between seeds of one group, is
    compared with the same number for every other split of all seeds into groups of these sizes.  If the groups are of one
    kind every split is as likely, so that rank 1 has the probability 1/number of splits.

    Returns:
        (rank from the top, number of splits, mean distance across, mean distance within).
    """
    samples = [*first, *second]
    n, k = len(samples), len(first)
    table = np.zeros((n, n))
    for a, b in combinations(range(n), 2):
        table[a, b] = table[b, a] = distance(samples[a], samples[b])

    def parts(group: tuple[int, ...]) -> tuple[float, float]:
        inside = np.isin(np.arange(n), group)
        upper = np.triu(np.ones((n, n), bool), 1)
        across = inside[:, None] != inside
        return table[across & upper].mean(), table[~across & upper].mean()

    own = parts(tuple(range(k)))
    # of two groups of equal size a split and its mirror are one
    splits = [parts(g) for g in combinations(range(n), k)]
    excess = np.array([c - w for c, w in splits])
    return int(np.sum(excess >= own[0] - own[1] - 1e-12)), len(splits), float(own[0]), float(own[1])


def neurosim_random(seed: int, weight: float = J) -> dict[str, np.ndarray]:
    """Return the samples of a run of neurosim."""
    import neurosim as ns

    cell = ns.LIF(tau_m=TAU_M, r_m=1.0, v_rest=0.0, v_th=V_TH, v_reset=V_RESET, t_ref=T_REF)
    cells = ns.Population(N_E + N_I, cell, name="cells", initial={"v": ns.Uniform(0.0, V_TH)})
    network = ns.Network([cells], projections=[
        ns.Projection(cells[:N_E], cells, ns.FixedInDegree(C_E), ns.Delta(weight), delay=DELAY, name="exc"),
        ns.Projection(cells[N_E:], cells, ns.FixedInDegree(C_I), ns.Delta(-G * weight), delay=DELAY, name="inh")],
        stimuli=[ns.PoissonInput(rate=OUTSIDE, weight=weight, target=cells)])
    spikes = ns.simulate(network, STOP, DT, seed=seed).spikes["cells"]
    return measures(spikes.times, spikes.indices)


def brian2_random(seed: int) -> dict[str, np.ndarray]:
    """Return the samples of a run of Brian2."""
    import brian2 as b2
    from brian2 import ms, mV

    b2.seed(seed)
    rng = np.random.default_rng(seed)
    b2.defaultclock.dt = DT*ms
    space = {"tau": TAU_M*ms, "v_th": V_TH*mV, "v_reset": V_RESET*mV, "t_ref": T_REF*ms, "mV": mV, "mean": OUTSIDE*DT/1000}
    cells = b2.NeuronGroup(N_E + N_I, """dv/dt = -active*v/tau : volt
                           active = int(t - lastspike > t_ref + dt/2) : 1 (constant over dt)""", threshold="v > v_th",
                           reset="v = v_reset", refractory="t_ref + dt", method="exact", namespace=space)
    cells.v = "rand()*v_th"
    # kicks of a neuron that is held are lost; see brian2_networks
    cells.run_regularly(f"v += {J}*mV*poisson(mean)*int(t - lastspike > t_ref - dt/2)", dt=DT*ms, when="synapses")
    spikes, parts = b2.SpikeMonitor(cells), []
    for source, k, weight in ((cells[:N_E], C_E, J), (cells[N_E:], C_I, -G*J)):
        # targets of every source in a row: synapses in the order of creation are read in order
        drawn = np.concatenate([rng.choice(len(source), k, replace=False) for _ in range(len(cells))])
        order = np.argsort(drawn, kind="stable")
        synapses = b2.Synapses(source, cells, on_pre=f"v_post += {weight}*mV*int(t - lastspike_post > t_ref - dt/2)",
                               delay=DELAY*ms, namespace=space)
        synapses.connect(i=drawn[order], j=np.repeat(np.arange(len(cells)), k)[order])
        parts.append(synapses)
    b2.Network(cells, spikes, *parts).run(STOP*ms)
    return measures(np.asarray(spikes.t/ms) + DT, np.asarray(spikes.i))


def nest_random(seed: int) -> dict[str, np.ndarray]:
    """Return the samples of a run of NEST, with the change of variables of nest_networks."""
    import nest

    nest.ResetKernel()
    nest.resolution, nest.rng_seed = DT, seed
    factor = float(np.exp(DT / TAU_M))
    cells = nest.Create("iaf_psc_delta", N_E + N_I, {"C_m": 1.0, "tau_m": TAU_M, "E_L": 0.0, "V_th": V_TH * factor,
                                                     "V_reset": V_RESET * factor, "t_ref": T_REF})
    cells.V_m = np.random.default_rng(seed).uniform(0.0, V_TH, len(cells))
    noise = nest.Create("poisson_generator", params={"rate": OUTSIDE})
    nest.Connect(noise, cells, "all_to_all", {"weight": J, "delay": DT})
    for source, k, weight in ((cells[:N_E], C_E, J), (cells[N_E:], C_I, -G * J)):
        nest.Connect(source, cells, {"rule": "fixed_indegree", "indegree": k, "allow_multapses": False},
                     {"weight": weight, "delay": round(DELAY + DT, 6)})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(STOP)
    return measures(recorder.events["times"] + DT, recorder.events["senders"] - cells[0].global_id)
