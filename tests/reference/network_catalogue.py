"""The networks themselves: small, each with the connections, weights, delays and spikes of its own seed.

    cuba, coba, cobahh          Brette et al. 2007 (doi:10.1007/s10827-007-0038-6), the smallest that stay active
    varied                      three populations, every weight and every delay its own
    delta                       as Brunel 2000 (doi:10.1023/A:1008925309027), stronger synapses, given spikes from outside
    alpha, double_exponential   the other shapes of responses, as current and as conductance
    stdp ... gap                one rule of plasticity or coupling each
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from network_cases import Case, Cells, Rule, Synapse, Wires, between, lif, poisson, wires

#: both peers integrate linear neurons exactly
EXACT = {"brian2": "exact", "nest": "exact"}
#: Brian2 by the same method; NEST by adaptive Runge-Kutta-Fehlberg, beside which rk4 has the smaller error
ADAPTIVE = {"brian2": "exponential_euler", "nest": "rk4"}
CUBA = dict(tau_m=20.0, r_m=100.0, v_rest=-49.0, v_th=-50.0, v_reset=-60.0, t_ref=5.0)
COBA = dict(tau_m=20.0, r_m=100.0, v_rest=-60.0, v_th=-50.0, v_reset=-60.0, t_ref=5.0)
PLAIN = dict(tau_m=20.0, r_m=100.0, v_rest=-65.0, v_th=-50.0, v_reset=-65.0, t_ref=2.0)


def cuba() -> Case:
    exc, inh = (lif(s, n, k, (-60.0, -50.0), **CUBA) for s, n, k in ((10, "E", 160), (12, "I", 40)))
    e, i = Synapse("exponential", (5.0,)), Synapse("exponential", (10.0,))
    return Case("cuba", 0.1, 400.0, (exc, inh), (), (
        wires(20, exc, exc, 0.2, 0.0162, 0.1, e), wires(23, exc, inh, 0.2, 0.0162, 0.1, e),
        wires(26, inh, exc, 0.2, -0.09, 0.1, i), wires(29, inh, inh, 0.2, -0.09, 0.1, i)), EXACT)


def varied() -> Case:
    exc, sst, pv = (lif(s, n, k, (-65.0, -50.0), (0.1, 0.2), **PLAIN)
                    for s, n, k in ((40, "E", 120), (42, "S", 20), (44, "P", 30)))
    e, i = Synapse("exponential", (3.0,)), Synapse("exponential", (8.0,))
    outside = poisson(46, "X", 40, 50.0, 0.1, 400.0)
    return Case("varied", 0.1, 400.0, (exc, sst, pv), (outside,), (
        wires(50, exc, exc, 0.1, (0.0, 0.03), (0.1, 6.0), e), wires(53, exc, sst, 0.3, (0.0, 0.03), (0.5, 2.0), e),
        wires(56, exc, pv, 0.2, (0.0, 0.05), (0.1, 1.0), e), wires(59, sst, exc, 0.3, (-0.08, 0.0), (1.0, 4.0), i),
        wires(62, pv, exc, 0.4, (-0.1, 0.0), 0.3, i), wires(65, pv, pv, 0.4, -0.05, (0.1, 2.5), i),
        wires(68, sst, pv, 0.2, (-0.05, 0.0), (0.2, 1.5), i), wires(71, outside, exc, 0.2, (0.0, 0.06), (0.1, 10.0), e)), EXACT)


def coba() -> Case:
    exc, inh = (lif(s, n, k, (-60.0, -50.0), 0.2, **COBA) for s, n, k in ((80, "E", 160), (82, "I", 40)))
    e, i = Synapse("exponential", (5.0,), 0.0), Synapse("exponential", (10.0,), -80.0)
    return Case("coba", 0.1, 300.0, (exc, inh), (), (
        wires(84, exc, exc, 0.2, 0.006, 0.1, e), wires(87, exc, inh, 0.2, 0.006, 0.1, e),
        wires(90, inh, exc, 0.2, 0.067, 0.1, i), wires(93, inh, inh, 0.2, 0.067, 0.1, i)), ADAPTIVE)


def cobahh() -> Case:
    values = dict(c_m=0.2, g_l=0.01, g_na=20.0, g_k=6.0, e_l=-60.0, e_na=50.0, e_k=-90.0, v_t=-63.0, v_th=-20.0, t_ref=3.0)
    exc, inh = (Cells(n, k, values, between(s + 1, k, -0.05, 0.1), between(s, k, -70.0, -60.0), "traub_miles")
                for s, n, k in ((100, "E", 80), (102, "I", 20)))
    e, i = Synapse("exponential", (5.0,), 0.0), Synapse("exponential", (10.0,), -80.0)
    return Case("cobahh", 0.05, 200.0, (exc, inh), (), (
        wires(104, exc, exc, 0.2, 0.006, 0.1, e, dt=0.05), wires(107, exc, inh, 0.2, 0.006, 0.1, e, dt=0.05),
        wires(110, inh, exc, 0.2, 0.067, 0.1, i, dt=0.05), wires(113, inh, inh, 0.2, 0.067, 0.1, i, dt=0.05)), ADAPTIVE)


def delta() -> Case:
    values = dict(tau_m=20.0, r_m=10.0, v_rest=0.0, v_th=20.0, v_reset=10.0, t_ref=2.0)
    exc, inh = (lif(s, n, k, (0.0, 20.0), (0.0, 0.2), **values) for s, n, k in ((120, "E", 200), (122, "I", 50)))
    outside = poisson(124, "X", 200, 60.0, 0.1, 500.0)
    kick = Synapse("delta")
    return Case("delta", 0.1, 500.0, (exc, inh), (outside,), (
        wires(126, exc, exc, 0.1, (0.2, 0.6), 1.5, kick), wires(129, exc, inh, 0.1, 0.4, 1.5, kick),
        wires(132, inh, exc, 0.1, -2.0, 1.5, kick), wires(135, inh, inh, 0.1, -2.0, (0.5, 2.5), kick),
        wires(138, outside, exc, 0.3, 0.4, 1.5, kick), wires(141, outside, inh, 0.3, 0.4, 1.5, kick)), EXACT)


def alpha() -> Case:
    exc, inh = (lif(s, n, k, (-65.0, -50.0), (0.1, 0.2), **PLAIN) for s, n, k in ((150, "E", 80), (152, "I", 20)))
    outside = poisson(154, "X", 40, 50.0, 0.1, 400.0)
    e, i = Synapse("alpha", (2.0,)), Synapse("alpha", (5.0,))
    return Case("alpha", 0.1, 400.0, (exc, inh), (outside,), (
        wires(156, exc, exc, 0.1, (0.0, 0.04), (0.5, 3.0), e), wires(159, exc, inh, 0.2, 0.03, 1.0, e),
        wires(162, inh, exc, 0.4, (-0.1, 0.0), 0.8, i), wires(165, outside, exc, 0.2, 0.06, (0.2, 5.0), e)), EXACT)


def double_exponential() -> Case:
    exc, inh = (lif(s, n, k, (-65.0, -50.0), (0.1, 0.2), **PLAIN) for s, n, k in ((170, "E", 80), (172, "I", 20)))
    outside = poisson(174, "X", 40, 50.0, 0.1, 300.0)
    e, i = Synapse("double_exponential", (0.5, 3.0), 0.0), Synapse("double_exponential", (1.0, 8.0), -80.0)
    return Case("double_exponential", 0.1, 300.0, (exc, inh), (outside,), (
        wires(176, exc, exc, 0.1, (0.0, 0.0006), (0.5, 3.0), e), wires(179, exc, inh, 0.2, 0.0006, 1.0, e),
        wires(182, inh, exc, 0.4, (0.0, 0.004), 0.8, i), wires(185, outside, exc, 0.2, 0.001, (0.2, 5.0), e)), ADAPTIVE)


def _learning(seed: int, name: str, rule: Rule, peak: tuple[float, float], delay, synapse: Synapse, duration: float = 400.0,
              n: tuple[int, int] = (30, 12), current=(0.14, 0.17), methods: dict[str, str] | None = None) -> Case:
    """Return sources with plastic synapses onto neurons that fire, and are driven further, by them."""
    cells = lif(seed, "N", n[1], (-65.0, -50.0), current, **PLAIN)
    outside = poisson(seed + 2, "X", n[0], 25.0, 0.1, duration, last=True)
    return Case(name, 0.1, duration, (cells,), (outside,), (wires(seed + 3, outside, cells, 0.7, peak, delay, synapse, rule),),
                methods or EXACT)


CURRENT = Synapse("exponential", (3.0,))


def stdp() -> Case:
    rule = Rule("stdp", dict(tau_plus=20.0, tau_minus=15.0, a_plus=0.03, a_minus=0.035, w_min=0.0, w_max=0.08))
    return _learning(200, "stdp", rule, (0.0, 0.08), (0.1, 4.0), CURRENT)


def stdp_dendritic() -> Case:
    # a seed by which no spike of a source meets one of its target at the synapse: NEST leaves such a pair out, we count it
    rule = Rule("stdp_sent_after", dict(tau_plus=20.0, tau_minus=20.0, lam=0.05, alpha=1.1, w_max=0.1), dendritic=True)
    return _learning(216, "stdp_dendritic", rule, (0.0, 0.1), 1.5, CURRENT, 300.0, (12, 5), current=(0.145, 0.17))


def triplet() -> Case:
    rule = Rule("triplet", dict(a2_plus=0.002, a3_plus=0.02, a2_minus=0.01, a3_minus=0.002, tau_plus=16.8, tau_x=101.0,
                                tau_minus=33.7, tau_y=125.0, w_scale=0.06, w_min=0.0, w_max=0.06))
    return _learning(220, "triplet", rule, (0.0, 0.06), (0.1, 4.0), CURRENT)


def inhibitory() -> Case:
    rule = Rule("inhibitory", dict(tau=20.0, rho_0=15.0, eta=2e-4, w_min=0.0, w_max=0.006))
    return _learning(230, "inhibitory", rule, (0.0, 0.003), 1.0, Synapse("double_exponential", (0.5, 6.0), -80.0),
                     current=(0.2, 0.3), methods=ADAPTIVE)


def short_term() -> Case:
    rule = Rule("short_term", dict(U=0.2, tau_rec=150.0, tau_facil=300.0))
    return _learning(240, "short_term", rule, (0.0, 0.12), (0.1, 4.0), CURRENT)


def depression() -> Case:
    return _learning(250, "depression", Rule("depression", dict(U=0.5, tau_rec=200.0)), (0.0, 0.12), 1.2, CURRENT)


def gap_junctions() -> Case:
    cells = lif(260, "N", 20, (-65.0, -50.0), (0.14, 0.2), **PLAIN)
    ring = np.arange(20, dtype=np.int32)
    pre, post = np.r_[ring, ring], np.r_[(ring + 1) % 20, (ring - 1) % 20]
    strength = between(262, 20, 0.0005, 0.002)
    couple = Wires("gap", "N", "N", pre, post, np.r_[strength, np.roll(strength, 1)], np.zeros(40), Synapse("gap"))
    inhibition = wires(263, cells, cells, 0.2, -0.02, 1.0, CURRENT)
    return Case("gap_junctions", 0.1, 400.0, (cells,), (), (couple, inhibition), {"brian2": "exact"})


MAKERS: tuple[Callable[[], Case], ...] = (cuba, varied, coba, cobahh, delta, alpha, double_exponential, stdp, stdp_dendritic,
                                          triplet, inhibitory, short_term, depression, gap_junctions)
CASES: dict[str, Callable[[], Case]] = {make.__name__: make for make in MAKERS}
#: what each peer runs: NEST finds the spikes of Hodgkin-Huxley neurons at the peak of v, and has its own rules of plasticity
RUNS = {"brian2": tuple(n for n in CASES if n != "stdp_dendritic"),
        "nest": ("cuba", "varied", "coba", "delta", "alpha", "double_exponential", "stdp_dendritic", "short_term",
                 "depression")}
