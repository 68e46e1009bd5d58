"""Sparsely connected excitatory and inhibitory integrate-and-fire neurons, and the four states of Brunel (2000).

    tau_m dv/dt = -v,   v <- v + j at a spike of an excitatory neuron or from outside, v <- v - g j of an inhibitory one
    spike if v > v_th:  v <- v_reset, held for t_ref

v in mV from rest, times in ms. Each of 12,500 neurons has c_e = 1000 excitatory and c_i = 250 inhibitory inputs drawn at
random, all with the same delay, and c_e inputs from outside which fire as Poisson processes at eta nu_thr each,
nu_thr = v_th/(j c_e tau_m): at eta = 1 the mean of the input from outside is the threshold. Model A: the same constants for
excitatory and inhibitory neurons. All depends on g and eta (figure 8):

    A  g 3, eta 2      synchronous regular (SR): nearly full synchrony, the neurons fire like clocks
    B  g 6, eta 4      synchronous irregular, fast oscillation (SI fast): the population oscillates, the neurons are irregular
    C  g 5, eta 2      asynchronous irregular (AI)
    D  g 4.5, eta 0.9  synchronous irregular, slow oscillation (SI slow)

The stationary rate is the one that agrees with itself in Siegert's formula (see _mean_field) with

    mu      = tau_m (c_e j (nu_ext + nu) - c_i g j nu)
    sigma^2 = tau_m (c_e j^2 (nu_ext + nu) + c_i g^2 j^2 nu)

v_reset is 10 mV here as in the paper; with 0 mV (NEST's example) the rates are others.

Source: N. Brunel (2000), doi:10.1023/A:1008925309027.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

import neurosim as ns
from neurosim.published import Number, Outcome, Reference

from ._figures import letters, title
from ._mean_field import siegert, zeros

#: the four states: title, g, eta
STATES: dict[str, tuple[str, float, float]] = {
    "sr": ("SR", 3.0, 2.0),
    "si_fast": ("SI, fast", 6.0, 4.0),
    "ai": ("AI", 5.0, 2.0),
    "si_slow": ("SI, slow", 4.5, 0.9),
}
#: ms left out of all numbers
SETTLING = 200.0

_SIEGERT = "Siegert's formula with the paper's constants (its equation 21), made to agree with itself; rounding of the digits"
_FIGURE = "Simulation of the paper, figure 8"
REFERENCE = Reference(
    citation="N. Brunel (2000), Dynamics of sparsely connected networks of excitatory and inhibitory spiking neurons, "
    "J. Comput. Neurosci. 8, 183-208",
    doi="10.1023/A:1008925309027",
    numbers={
        "theory_si_fast": Number(55.84, 0.005, "Hz", f"{_SIEGERT}. The paper prints 55.8."),
        "theory_ai": Number(37.95, 0.005, "Hz", f"{_SIEGERT}. The paper prints 38.0."),
        "theory_si_slow": Number(6.52, 0.005, "Hz", f"{_SIEGERT}. The paper prints 6.5."),
    },
)


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """g: inhibitory over excitatory weight, 5. eta: rate from outside over that which reaches the threshold, 2.

    Numbers are compared with the paper for g 5 and eta 2, for which `run` runs all four states; for other values it runs
    that one. n_e, n_i: excitatory and inhibitory neurons, 10,000 and 2,500. c_e, c_i: inputs of a neuron from each, 1000 and
    250. j: excitatory weight (mV), 0.1. tau_m: membrane time constant (ms), 20. v_th, v_reset: threshold and reset (mV from
    rest), 20 and 10. t_ref: refractory period (ms), 2. delay: (ms), 1.5. dt: time step (ms), 0.1.
    """

    g: float = 5.0
    eta: float = 2.0
    n_e: int = 10_000
    n_i: int = 2_500
    c_e: int = 1_000
    c_i: int = 250
    j: float = _unit(0.1, "mV")
    tau_m: float = _unit(20.0, "ms")
    v_th: float = _unit(20.0, "mV")
    v_reset: float = _unit(10.0, "mV")
    t_ref: float = _unit(2.0, "ms")
    delay: float = _unit(1.5, "ms")
    dt: float = _unit(0.1, "ms")
