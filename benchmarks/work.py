"""What every simulator is given to do, and what must come out.

    hh_population    10,000 squid axons (Hodgkin & Huxley 1952, 6.3 degrees), currents evenly from 0 to 20 uA/cm2, dt 0.01 ms
    lif_population   100,000 LIF neurons with refractoriness, 5 to 25 mV of drive, dt 0.1 ms
    hh_single        one squid axon, 10 uA/cm2, 10 s, dt 0.01 ms: what a step costs when there is nothing to vectorise
    tiny             100 LIF neurons for 100 ms, as a whole process: time to the first result, cold and warm

Nothing here imports a simulator; times in ms, potentials in mV.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: per cm2 of membrane: uF, mS, mV; v from -65 mV, gates from their steady states there; a spike is v passing 0 mV
HH = {"c": 1.0, "g_na": 120.0, "g_k": 36.0, "g_l": 0.3, "e_na": 50.0, "e_k": -77.0, "e_l": -54.387, "v": -65.0,
      "m": 0.052932485, "h": 0.596120754, "n": 0.317676914, "level": 0.0}
#: membrane of simulators that count in cells: 1e-4 cm2 have 100 pF
AREA = 1e-4
#: v from rest; `c` in pF and `g_l` in nS for simulators that want them
LIF = {"tau": 20.0, "v_rest": -60.0, "v_th": -50.0, "v_reset": -60.0, "t_ref": 2.0, "c": 200.0, "g_l": 10.0}


@dataclass(frozen=True)
class Work:
    """One piece of work.

    Attributes:
        model: "hh" or "lif".
        n: number of neurons.
        dt, duration: ms.
        first, last: input of the first and the last neuron, evenly spaced between: uA/cm2 (hh) or mV (lif).
        rate: mean rate in Hz that must come out; None where only agreement between the simulators is asked for.
        tolerance: relative; simulators integrate by different methods and label spikes differently by a step.
    """

    name: str
    model: str
    n: int
    dt: float
    duration: float
    first: float
    last: float
    rate: float | None
    tolerance: float

    @property
    def steps(self) -> int:
        """Number of time steps."""
        return round(self.duration / self.dt)

    @property
    def neuron_steps(self) -> int:
        """Number of neurons times number of steps."""
        return self.n * self.steps

    def input(self):
        """Return the input of each neuron."""
        import numpy as np

        return np.linspace(self.first, self.last, self.n) if self.n > 1 else np.array([self.last])

    def agrees(self, rate: float, other: float) -> bool:
        """Return whether two rates are the same within the tolerance."""
        return abs(rate - other) <= self.tolerance * max(abs(other), 1e-9)


#: the rates are those on which NEST, Brian2, ANNarchy, BrainPy and NEURON agree
WORKS = {
    w.name: w for w in (
        # a neuron whose last spike lies at the very end counts or not: 1 %
        Work("hh_population", "hh", 10_000, 0.01, 100.0, 0.0, 20.0, 55.28, 0.01),
        # exact integration in all of them; BrainPy in float32 moves some spikes by a step
        Work("lif_population", "lif", 100_000, 0.1, 1000.0, 5.0, 25.0, 38.004, 0.002),
        # periods differ by the error of the method, 0.5 % at order one
        Work("hh_single", "hh", 1, 0.01, 10_000.0, 0.0, 10.0, 68.1, 0.01),
        Work("tiny", "lif", 100, 0.1, 100.0, 5.0, 25.0, 35.4, 0.02),
    )
}
#: shorter runs for a look in between; their rates are compared between simulators only
QUICK = {
    name: replace(w, duration=w.duration / 5, rate=None, tolerance=0.02) if name != "tiny" else w
    for name, w in WORKS.items()
}


def find(name: str, quick: bool) -> Work:
    """Return a piece of work by name."""
    return (QUICK if quick else WORKS)[name]
