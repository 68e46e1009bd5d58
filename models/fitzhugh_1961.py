"""FitzHugh's model of excitation (1961), the plane in which the Hodgkin-Huxley equations can be understood.

    dv/dt = v - v^3/3 - w + i
    dw/dt = (v + a - b w)/tau

v, w and i are dimensionless and time is counted in ms. FitzHugh writes x = -v, y = w, z = -i, the signs of
his time, and c^2 = 9 for tau; the value 12.5 (a rate of 0.08) is the one in use since.

Closed forms: on the fixed point w = (v + a)/b. The trace of the Jacobian, 1 - v^2 - b/tau, vanishes at

    v* = -+ sqrt(1 - b/tau),   i* = (v* + a)/b - v* + v*^3/3,

the two Hopf points, between which the fixed point is unstable. Turning the signs of v, w - a/b and i - a/b
leaves the equations as they are: rates are the same at i and at 2 a/b - i.

Source: R. FitzHugh (1961), doi:10.1016/S0006-3495(61)86902-6; J. Nagumo, S. Arimoto, S. Yoshizawa (1962),
doi:10.1109/JRPROC.1962.288235.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._dynamics import growth_rates, rest, steady_rates, zero_of_curve
from ._figures import legend, letters, mark, title


def hopf_points(a: float = 0.7, b: float = 0.8, tau: float = 12.5) -> tuple[float, float]:
    """Return the currents at which the trace of the Jacobian vanishes on the fixed point."""
    v = sqrt(1.0 - b / tau)
    return (a - v) / b + v - v**3 / 3, (a + v) / b - v + v**3 / 3


_TWIN = "by DOP853 in tests/models"
REFERENCE = Reference(
    citation="R. FitzHugh (1961), Impulses and physiological states in theoretical models of nerve membrane, "
    "Biophys. J. 1, 445-466",
    doi="10.1016/S0006-3495(61)86902-6",
    numbers={
        "rest_v": Number(
            -1.199408,
            1e-6,
            "",
            "Root of v - v^3/3 - (v + a)/b, the resting point P of the paper; digits given.",
        ),
        "rest_w": Number(-0.624260, 1e-6, "", "(v + a)/b at rest; digits given."),
        "hopf_low": Number(hopf_points()[0], 1e-4, "", "Closed form, 0.33128; growth rates are fitted."),
        "hopf_high": Number(hopf_points()[1], 1e-4, "", "Closed form, 1.41872; growth rates are fitted."),
        "firing_from": Number(
            0.32418,
            0.0002,
            "",
            f"Lowest current of endless firing, {_TWIN}: between 0.32415 and 0.3242; the currents tried are "
            "0.0002 apart.",
        ),
        "period_0_5": Number(
            39.4744,
            0.001,
            "ms",
            f"Period at i = 0.5, {_TWIN}; spikes are timed to dt = 0.01 ms, over fifty intervals.",
        ),
        "symmetry": Number(
            0.0,
            1e-9,
            "",
            "Relative difference of the periods at i = 0.5 and 2 a/b - 0.5: none, by symmetry (the spike "
            "detector of the second is upside down, at -1 downwards); rounding.",
        ),
        "peak_0_5": Number(1.8521, 5e-4, "", f"Highest v at i = 0.5, {_TWIN}; samples every 0.01 ms."),
        "spikes_0_3": Number(
            0, 0, "", "Below the first Hopf point and the fold of the cycles: spikes after 500 ms."
        ),
        "spikes_1_5": Number(0, 0, "", "Above the second Hopf point: excitation block."),
        "anodal_break_spikes": Number(
            1,
            0,
            "",
            "One impulse after release from an inhibiting current of -0.5 (anodal break excitation, shown "
            "in the paper).",
        ),
    },
)

CELLS = "cells"


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """Constants of the model and the protocol.

    a, b: place and slope of the slow nullcline (1), 0.7, 0.8. tau: time constant of w (ms), 12.5.
    current: step of the main network (1), 0.5. dt: time step (ms), 0.01.
    rate_duration: length of the runs in which rates are measured (ms), 2500.
    """

    a: float = _unit(0.7, "1")
    b: float = _unit(0.8, "1")
    tau: float = _unit(12.5, "ms")
    current: float = _unit(0.5, "1")
    dt: float = _unit(0.01, "ms")
    rate_duration: float = _unit(2500.0, "ms")


def _model(p: Parameters) -> ns.NeuronModel:
    return ns.FitzHughNagumo(a=p.a, b=p.b, tau=p.tau)


def _cells(p: Parameters, size: int, **values) -> ns.Population:
    """Return cells at rest; `values` are other initial values."""
    at_rest = {name: float(value[0]) for name, value in rest(_model(p), 0.0).items()}
    return ns.Population(size, _model(p), name=CELLS, initial={**at_rest, **values})


def plane(p: Parameters, current: float):
    """Return the phase plane at a current."""
    return ns.analysis.phase_plane(_model(p), ranges=((-2.5, 2.5), (-1.0, 2.4)), inputs={"i": current})


def build(parameters: Parameters = Parameters()) -> ns.Network:
    """Return one cell at rest that gets the step of current from 20 ms on; v and w are recorded."""
    cells = _cells(parameters, 1)
    every = max(1, round(0.1 / parameters.dt)) * parameters.dt
    return ns.Network(
        [cells],
        stimuli=[ns.Step(parameters.current, target=cells, start=20.0)],
        probes=[ns.Probe(cells, x, every=every, name=x) for x in ("v", "w")],
    )


def run(
    parameters: Parameters = Parameters(),
    *,
    duration: float | None = None,
    seed: int = 0,
    threads: int = 1,
    progress=None,
) -> Outcome:
    """Run all experiments of this module; `duration` (ms) is that of the main network, 200 if None."""
    p = parameters
    options = dict(dt=p.dt, threads=threads, progress=progress, method="rk4")
    main = ns.simulate(build(p), 200.0 if duration is None else duration, seed=seed, **options)
    measured, results = {}, {"main": main}
    for experiment in (_rest, _hopf, _firing, _break, _graded):
        numbers, kept = experiment(p, options)
        measured |= numbers
        results |= kept
    return Outcome(measured, results | {"planes": [plane(p, 0.0), plane(p, p.current)]}, p)


def _rest(p: Parameters, options: dict):
    cells = ns.Population(1, _model(p), name=CELLS, initial=dict(v=-2.0, w=0.0))
    result = ns.simulate(cells, 800.0, **options)
    return {f"rest_{x}": float(result.final(CELLS, x)[0]) for x in ("v", "w")}, {}


def _hopf(p: Parameters, options: dict):
    """Growth rate of oscillations of 1e-6 around the fixed point, on both sides of each Hopf point."""
    measured = {}
    for name, centre in zip(("hopf_low", "hopf_high"), hopf_points(p.a, p.b, p.tau)):
        current = centre + np.linspace(-0.02, 0.025, 5)
        point = rest(_model(p), current)
        cells = _cells(p, current.size, v=point["v"] + 1e-6, w=point["w"])
        net = ns.Network(
            [cells], stimuli=[ns.DC(current, target=cells)], probes=[ns.Probe(cells, "v", name="v")]
        )
        v = ns.simulate(net, 250.0, **options).traces["v"]
        measured[name] = zero_of_curve(current, growth_rates(v.times[1000:], v.values[1000:] - point["v"]))
    return measured, {}


def _firing(p: Parameters, options: dict):
    """Rates from the limit cycle and from rest; the mirror image of 0.5 with its detector upside down."""
    fold = np.arange(0.3235, 0.3256, 0.0002)
    curve = np.r_[
        np.arange(0.2, 0.32, 0.02),
        np.arange(0.32, 0.35, 0.002),
        np.arange(0.36, 1.4, 0.02),
        np.arange(1.4, 1.44, 0.002),
        np.arange(1.44, 1.6, 0.02),
    ]
    current = np.r_[fold, 0.5, 0.3, 1.5, curve]
    # relaxation oscillations keep their size until they vanish: every peak passes the detector's level of 1
    cells = _cells(p, current.size, v=2.0, w=np.where(current > p.a / p.b, 1.2, -0.3))
    spikes = ns.simulate(
        ns.Network([cells], stimuli=[ns.DC(current, target=cells)]), p.rate_duration, **options
    ).spikes[CELLS]
    rate = steady_rates(spikes, 500.0)
    n = fold.size
    going = fold[rate[:n] > 0]

    mirror = _cells(p, 2, v=np.array([2.0, -2.0]), w=np.array([-0.3, 2.0 * p.a / p.b + 0.3]))
    pair = np.array([0.5, 2.0 * p.a / p.b - 0.5])
    net = ns.Network([mirror], stimuli=[ns.DC(pair, target=mirror)], probes=[ns.Probe(mirror, "v", name="v")])
    v = ns.simulate(net, 400.0, **options).traces["v"]
    sides = v.values * [1.0, -1.0]
    periods = [_period(v.times, sides[:, k]) for k in range(2)]
    late = v.times > 200.0
    count = [float(np.sum(spikes[n + k] > 500.0)) for k in (1, 2)]
    measured = {
        "firing_from": float(going.min() - 0.0001) if going.size else float("nan"),
        "period_0_5": float(1000.0 / rate[n]),
        "symmetry": float(abs(periods[1] / periods[0] - 1.0)),
        "peak_0_5": float(sides[late, 0].max()),
        "spikes_0_3": count[0],
        "spikes_1_5": count[1],
    }
    return measured, {"fi_current": curve, "fi_rate": rate[n + 3 :]}


def _period(times: np.ndarray, v: np.ndarray) -> float:
    """Return the mean time between upward crossings of 1, interpolated between samples."""
    k = np.flatnonzero((v[:-1] <= 1.0) & (v[1:] > 1.0))
    at = times[k] + (1.0 - v[k]) / (v[k + 1] - v[k]) * (times[1] - times[0])
    return float(np.mean(np.diff(at[at > 100.0])))


def _break(p: Parameters, options: dict):
    """Inhibiting current until 100 ms, then none."""
    cells = _cells(p, 1)
    every = max(1, round(0.1 / p.dt)) * p.dt
    net = ns.Network(
        [cells],
        stimuli=[ns.Step(-0.5, target=cells, start=0.0, stop=100.0)],
        probes=[ns.Probe(cells, "v", every=every, name="v")],
    )
    result = ns.simulate(net, 250.0, **options)
    return {"anodal_break_spikes": float(len(result.spikes[CELLS]))}, {"break": result.traces["v"]}


def _graded(p: Parameters, options: dict):
    """Displacements of v from rest, ever finer where the response is steepest: it has no jump."""
    v = float(rest(_model(p), 0.0)["v"][0])
    shock, peak, paths = np.empty(0), np.empty(0), []
    new = np.linspace(0.4, 0.8, 41)
    for zoom in range(6):
        cells = _cells(p, new.size, v=v + new)
        net = ns.Network([cells], probes=[ns.Probe(cells, x, every=10 * p.dt, name=x) for x in ("v", "w")])
        found = ns.simulate(net, 60.0, **options).traces
        if zoom == 0:
            paths = [
                (found["v"].values[:, k], found["w"].values[:, k])
                for k in np.searchsorted(new, [0.499, 0.599, 0.699])
            ]
        shock, first = np.unique(np.r_[shock, new], return_index=True)
        peak = np.r_[peak, found["v"].values[found["v"].times > 2.0].max(0)][first]
        steep = int(np.argmax(np.abs(np.diff(peak))))
        new = np.linspace(shock[steep], shock[steep + 1], 18)[1:-1]
    return {}, {"shock": shock, "shock_peak": peak, "paths": paths}


def figure(outcome: Outcome):
    """Return the figure: phase planes, voltages, rates, anodal break, responses to shocks."""
    r, p, m = outcome.results, outcome.parameters, outcome.measured
    colors = ns.plot.PALETTE
    fig, axes = ns.plot.figure(2, 3, width=7.2, height=5.0)
    (a, b, c), (d, e, f) = axes

    main = r["main"].traces
    ns.plot.phase_plane(r["planes"][0], r["paths"], ax=a)
    ns.plot.phase_plane(r["planes"][1], [(main["v"].values[:, 0], main["w"].values[:, 0])], ax=d)
    for ax, text in ((a, "i = 0"), (d, f"i = {p.current:g}")):
        ax.set(xlabel="v", ylabel="w")
        ax.text(0.42, 0.96, text, transform=ax.transAxes, va="top", ha="center", fontsize=6.5)

    b.plot(main["v"].times, main["v"].values[:, 0], color=colors[0], lw=1.1, label="v")
    b.plot(main["w"].times, main["w"].values[:, 0], color=colors[1], lw=1.1, ls="--", label="w")
    b.set(xlabel="Time (ms)", ylabel="v, w", xlim=(0, main["v"].times[-1]), ylim=(-2.3, 2.9))
    legend(b, "upper right", ncols=2)
    title(b, f"Step to i = {p.current:g} at 20 ms")

    e.plot(r["break"].times, r["break"].values[:, 0], color=colors[0], lw=1.1)
    e.axvspan(0, 100, color=colors[5], alpha=0.25, lw=0)
    e.text(50, 1.6, "i = −0.5", ha="center", fontsize=6.5)
    e.set(xlabel="Time (ms)", ylabel="v", xlim=(0, 250))
    title(e, "Anodal break excitation")

    ns.plot.fi_curve(r["fi_current"], r["fi_rate"], ax=c)
    c.lines[0].set(marker="")
    mark(c, m["hopf_low"], "Hopf", y=0.25)
    mark(c, m["hopf_high"], "Hopf", y=0.25, left=True)
    c.set_xlabel("Current i")

    f.plot(r["shock"], r["shock_peak"], color=colors[0], marker="o", ms=2.4, lw=0.8)
    f.set(xlabel="Displacement of v from rest", ylabel="Highest v after 2 ms")
    title(f, "Steep, but without a threshold")
    letters((a, b, c, d, e, f))
    return fig
