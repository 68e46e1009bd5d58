"""A liquid: a fixed recurrent network of LIF neurons on the engine, and its filtered spikes at several times.

    tau dv/dt = i + g_e + g_i - v,   spike at v > 1:  v <- 0, held for t_ref;  s <- s + 1;  r <- u (1 - y),  y <- y + r
    tau_e dg_e/dt = -g_e,   tau_i dg_i/dt = -g_i,   tau_s ds/dt = -s,   tau_rec dy/dt = -y
    spike of neuron k:  g_e or g_i of its targets grow by w r

y is the share of the transmitter that was used: dynamic synapses are depressed by use (Tsodyks & Markram 1997), static ones
(u = 1) have recovered before the next step.  A sample is a constant current i into each neuron, shown for some slots of time;
s is read at the end of each.  In a dark slot after them all returns to where it began, for leaks are so wide that a step leaves
no more than rounding errors, 1e-16 of each state: after some steps what a sample does depends on no other.

Sources: Maass, Natschlaeger & Markram 2002, doi:10.1162/089976602760407955; Tsodyks & Markram 1997,
doi:10.1073/pnas.94.2.719.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import SimulationError
from neurosim.model.ir import NeuronModel
from neurosim.model.plasticity import PlasticityModel
from neurosim.simulator.connectivity import Explicit
from neurosim.simulator.network import Network, Probe
from neurosim.simulator.population import Population
from neurosim.simulator.projection import Projection
from neurosim.simulator.simulate import simulate
from neurosim.simulator.stimuli import TimedArray
from neurosim.simulator.synapses import Delta

#: step, also the delay of all connections, ms
DT = 1.0
#: leak in darkness, 1/ms
CLEAR = 1e4
#: numbers in the tables and traces of one run
TABLE = 4_000_000
#: share of neurons that excite
EXCITING = 0.8
#: connections from each neuron, to random targets
OUT = 20
#: an inhibitory connection against an excitatory one
INHIBITION = 4.0
#: milliseconds
TAU, T_REF, TAU_E, TAU_I, TAU_REC = 20.0, 2.0, 3.0, 6.0, 100.0
#: share of the transmitter that a spike releases from dynamic synapses
USE = 0.4


@dataclass(frozen=True, eq=False)
class Liquid:
    """The network.

    Attributes:
        exciting: number of neurons that excite, the first ones; size: of all neurons.
        sources, targets, weights: of the connections.
        dynamic: whether synapses are depressed by use. tau_s: filter of the spikes, ms.
        slot: ms; slots: in which a sample is shown.
    """

    size: int
    exciting: int
    sources: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    dynamic: bool
    tau_s: float
    slot: float
    slots: int

    @classmethod
    def of(cls, n: int, rng: np.random.Generator, strength: float, dynamic: bool, tau_s: float, slot: float,
           slots: int) -> Liquid:
        """Return a liquid of n neurons; strength: mean excitatory weight, in thresholds of current."""
        out = min(OUT, n)
        sources = np.repeat(np.arange(n), out)
        targets = rng.integers(n, size=n*out)
        exciting = max(1, round(EXCITING*n))
        weights = rng.gamma(2.0, strength/2.0, n*out)*np.where(sources < exciting, 1.0, -INHIBITION)
        return cls(n, exciting, sources, targets, weights, dynamic, tau_s, slot, slots)

    def states(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return s at the end of each slot, (m, slots, n), and the spikes of each neuron, (m, n), for currents (m, n).

        Raises:
            SimulationError: states ceased to be finite.
        """
        rows = max(1, TABLE//(self.size*(self.slots + 2)))
        parts = [self._run(currents[k:k + rows]) for k in range(0, len(currents), rows)]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _run(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        m, period = len(currents), (self.slots + 1)*self.slot
        model = NeuronModel.from_equations(
            """
            dv/dt = (i*(1 - dark) + g_e + g_i - v)/tau - leak*dark*v (unless refractory)
            dg_e/dt = -g_e/tau_e - leak*dark*g_e
            dg_i/dt = -g_i/tau_i - leak*dark*g_i
            ds/dt = -s/tau_s - leak*dark*s
            dy/dt = -y/tau_rec - leak*dark*y
            dr/dt = 0*r
            """, threshold="v > 1", reset="v = 0; s += 1; r = u*(1 - y); y += r", refractory="t_ref", inputs=["i", "dark"],
            name="liquid",
            parameters={"tau": TAU, "tau_e": TAU_E, "tau_i": TAU_I, "tau_s": self.tau_s, "t_ref": T_REF, "leak": CLEAR,
                        "tau_rec": TAU_REC if self.dynamic else 1/CLEAR, "u": USE if self.dynamic else 1.0})
        cells = Population(self.size, model, name="liquid")
        release = PlasticityModel.from_equations("", on_pre="send(w*r_pre)", name="release")
        links = []
        for name, side in (("g_e", self.sources < self.exciting), ("g_i", self.sources >= self.exciting)):
            if side.any():
                links.append(Projection(cells, cells, Explicit(self.sources[side], self.targets[side]),
                                        Delta(self.weights[side], variable=name), delay=DT, plasticity=release, name=name))
        dark = np.tile(np.arange(self.slots + 1) == self.slots, m).astype(float)
        network = Network([cells], projections=links, probes=[Probe(cells, "s", every=self.slot, name="s")],
                          stimuli=[TimedArray(currents, interval=period, target=cells, input="i"),
                                   TimedArray(dark, interval=self.slot, target=cells, input="dark")])
        result = simulate(network, m*period, DT, method="exponential_euler", progress=False)
        if not result.completed:
            raise SimulationError(f"Liquid: {result.problem}")
        spikes = result.spikes["liquid"]
        counts = np.zeros((m, self.size))
        np.add.at(counts, (np.ceil(spikes.times/period - 1e-9).astype(int) - 1, spikes.indices), 1)
        # the first value of a sample is that of its beginning
        return result.traces["s"].values.reshape(m, self.slots + 1, self.size)[:, 1:], counts
