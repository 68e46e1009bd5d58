"""Noise currents: white, and with a correlation time; of each neuron, or the same for all targets.

Numbers are normal, one a step, and a function of seed, stream, neuron and step (`neurosim.kernels.random`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.codegen.plan import Signal
from neurosim.model.expression import Sym, parse, substitute
from neurosim.simulator.stimuli import Context, Stimulus, positive


@dataclass(frozen=True, eq=False)
class WhiteNoise(Stimulus):
    """White-noise current: I = mean + sigma xi(t), one normal number a step: sigma N / sqrt(dt).

    Args:
        sigma: strength, unit of the input times ms**0.5.
        mean: unit of the input.
        shared: the same noise for all targets, also in different populations.
    """

    sigma: Any = 0.0
    mean: Any = 0.0
    shared: bool = False

    def unit_of(self, name, context):
        unit = super().unit_of("mean", context)
        return unit if name == "mean" or unit is None else f"({unit})*ms**0.5"

    def numbers(self):
        return {"sigma": self.sigma, "mean": self.mean}

    def lower(self, context):
        out = super().lower(context)
        noise = context.prefix + "normal"
        out.signals.append(_normal(noise, self.shared, context))
        node = self._local(parse("mean + sigma/sqrt(dt)*normal"), context, out)
        out.current = self.gated(substitute(node, {"normal": Sym(noise)}), context, out)
        return out


@dataclass(frozen=True, eq=False)
class OrnsteinUhlenbeck(Stimulus):
    """Ornstein-Uhlenbeck current: tau dI/dt = mean - I + sigma sqrt(2 tau) xi, standard deviation sigma.

    Advanced exactly: I' = mean + (I - mean) e^(-dt/tau) + sigma sqrt(1 - e^(-2 dt/tau)) N, constant during a step; starts
    in its stationary distribution (Gillespie 1996, doi:10.1103/PhysRevE.54.2084).

    Args:
        mean, sigma: unit of the input.
        tau: correlation time in ms.
        shared: the same noise for all targets, also in different populations.
    """

    mean: Any = 0.0
    sigma: Any = 1.0
    tau: Any = 5.0
    shared: bool = False

    def check(self):
        positive(self, tau=self.tau)

    def numbers(self):
        return {"mean": self.mean, "sigma_ou": self.sigma, "tau": self.tau}

    def lower(self, context):
        p = context.prefix
        out = super().lower(context)
        tau = out.values[p + "tau"]
        if isinstance(tau, np.ndarray):
            # neurons that are no targets have no time constant; any will do
            out.values[p + "tau"] = np.where(tau > 0, tau, 1.0)
        noise = p + "normal"
        out.signals.append(_normal(noise, self.shared, context))
        names = {"own": Sym(p + "state"), "normal": Sym(noise)}
        update = self._local(parse("own*exp(-dt/tau) + sigma_ou*sqrt(1 - exp(-2*dt/tau))*normal"), context, out)
        out.states[p + "state"] = substitute(update, names)
        out.initial[p + "state"] = (context.number if self.shared else None, out.values[p + "sigma_ou"])
        out.current = self.gated(substitute(self._local(parse("mean + own"), context, out), names), context, out)
        return out


def _normal(name: str, shared: bool, context: Context) -> Signal:
    """Return one normal number a step: of each neuron, or the same for all targets, whatever populations they are in."""
    return Signal(name, "shared_normal", slot=context.number) if shared else Signal(name, "normal")
