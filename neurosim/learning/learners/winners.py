"""Neurons that compete for samples and learn by STDP what they won: a row of samples in one run of the engine.

    channel     dp/dt = i, spike at p > 1 - phase: p <- p - 1, x <- x + 1/(rate tau_x)  tau_x dx/dt = -x
    neuron      tau dv/dt = g - v,  tau_g dg/dt = -g,  tau_theta dtheta/dt = -theta
                spike at v > 1 + theta: v <- 0, theta <- theta + theta_plus; v of all others falls by `inhibition`
    channel spikes:  g <- g + gain (w - balance)
    neuron spikes:   w <- w + eta (x - w)

The first neuron to fire silences the others and learns: its weights move to the traces x of the channels, which are as large
as what the channels show.  So w becomes the mean of what it wins, as in k-means.  A threshold that rises with each spike lets
all neurons win about equally often.  -balance is feed-forward inhibition: each input spike also inhibits everyone.

A sample is shown for `shown` ms.  In `dark` ms after it everything but theta and w returns to where it began, for leaks are so
wide that a step leaves no more than rounding errors, 1e-16 of each state: after some steps what a sample does depends on no
other.  Channels fire regularly, each from a phase of its own.

Sources: Diehl & Cook 2015, doi:10.3389/fncom.2015.00099; the rule: Querlioz et al. 2013, doi:10.1109/TNANO.2013.2250995, and
Nessler et al. 2013, doi:10.1371/journal.pcbi.1003037, in additive form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.errors import SimulationError
from neurosim.model.ir import NeuronModel
from neurosim.model.plasticity import PlasticityModel
from neurosim.simulator.connectivity import AllToAll
from neurosim.simulator.network import Network
from neurosim.simulator.population import Population
from neurosim.simulator.projection import Projection
from neurosim.simulator.results import Result
from neurosim.simulator.simulate import simulate
from neurosim.simulator.stimuli import TimedArray
from neurosim.simulator.synapses import Delta

#: step, also the delay of all connections, ms
DT = 0.5
#: darkness after a sample, ms: longer than all delays
DARK = 4.0
#: numbers in the tables of one run
TABLE = 4_000_000
#: leak in darkness, 1/ms
CLEAR = 1e4


@dataclass(frozen=True)
class Times:
    """Constants of the network: ms, Hz, and numbers without unit; see the module."""

    shown: float = 60.0
    rate: float = 200.0
    tau_x: float = 30.0
    tau: float = 50.0
    tau_g: float = 5.0
    inhibition: float = 5.0


@dataclass(frozen=True, eq=False)
class Competition:
    """Competing neurons.

    Attributes:
        weights: w, shape (channels, neurons). thresholds: theta, (neurons,). phases: of the channels, 0 to 1.
        gain, balance: see above. times: constants.
    """

    weights: np.ndarray
    thresholds: np.ndarray
    phases: np.ndarray
    gain: float
    balance: float
    times: Times

    def show(self, z: np.ndarray, eta: float = 0.0, theta_plus: float = 0.0,
             memory: float = np.inf) -> tuple[Competition, np.ndarray, np.ndarray]:
        """Show samples one after the other.

        Args:
            z: brightness of channels, shape (m, channels); 1 stands for `rate`.
            eta: speed of learning. theta_plus: rise of a threshold. memory: samples in which thresholds fall to 1/e.

        Returns:
            (Neurons after it, spikes of neurons (m, neurons), spikes of channels (m,)).

        Raises:
            SimulationError: states ceased to be finite.
        """
        now, neurons, inputs = self, [], []
        rows = max(1, TABLE//(z.shape[1] + round(self.length/DT)))
        for k in range(0, len(z), rows):
            part = z[k:k + rows]
            result = now._run(part, eta, theta_plus, memory)
            neurons.append(self._counts(result, "E", len(part)))
            inputs.append(self._counts(result, "X", len(part)).sum(axis=1))
            if eta or theta_plus:
                now = replace(now, thresholds=result.final("E", "theta"),
                              weights=result.connections["W"].weight.reshape(self.weights.shape))
        return now, np.concatenate(neurons), np.concatenate(inputs)

    @property
    def length(self) -> float:
        """Time of a sample with the darkness after it, ms."""
        return round(self.times.shown/DT)*DT + DARK

    def _counts(self, result: Result, name: str, samples: int) -> np.ndarray:
        spikes = result.spikes[name]
        counts = np.zeros((samples, spikes.size))
        # a spike at the very end belongs to the sample before it
        np.add.at(counts, (np.ceil(spikes.times/self.length - 1e-9).astype(int) - 1, spikes.indices), 1)
        return counts

    def _dark(self, samples: int) -> np.ndarray:
        """Return when it is dark, one number for each step."""
        steps = round(self.length/DT)
        return np.tile(np.arange(steps) >= steps - round(DARK/DT), samples).astype(float)

    def _sources(self, z: np.ndarray) -> tuple[Population, list[TimedArray]]:
        """Return the channels and what they show."""
        p = self.times
        channel = NeuronModel.from_equations(
            "dp/dt = i*(1 - dark) - leak*dark*p\ndx/dt = -x/tau_x - leak*dark*x", threshold="p > 1 - phase",
            reset="p -= 1; x += step", edge=False, inputs=["i", "dark"], name="channel",
            parameters={"phase": 0.0, "tau_x": p.tau_x, "step": 1000/(p.rate*p.tau_x), "leak": CLEAR})
        x = Population(z.shape[1], channel, name="X", parameters={"phase": self.phases})
        return x, [TimedArray(z*(p.rate/1000), interval=self.length, target=x, input="i"),
                   TimedArray(self._dark(len(z)), interval=DT, target=x, input="dark")]

    def _run(self, z: np.ndarray, eta: float, theta_plus: float, memory: float) -> Result:
        p, n = self.times, len(self.thresholds)
        x, shows = self._sources(z)
        winner = NeuronModel.from_equations(
            "dv/dt = (g - v)/tau - leak*dark*v\ndg/dt = -g/tau_g - leak*dark*g\ndtheta/dt = -forget*theta",
            threshold="v > 1 + theta", reset="v = 0; theta += theta_plus", inputs=["dark"], name="winner",
            parameters={"tau": p.tau, "tau_g": p.tau_g, "forget": 1/(memory*self.length), "theta_plus": theta_plus,
                        "leak": CLEAR})
        rule = PlasticityModel.from_equations("", on_pre="send(gain*(w - balance))", on_post="w += eta*(x_pre - w)",
                                              parameters={"gain": self.gain, "eta": eta, "balance": self.balance},
                                              name="competitive")
        e = Population(n, winner, name="E", initial={"theta": self.thresholds})
        network = Network([x, e], stimuli=[*shows, TimedArray(self._dark(len(z)), interval=DT, target=e, input="dark")],
                          projections=[Projection(x, e, AllToAll(), Delta(self.weights.T.ravel(), variable="g"), delay=DT,
                                                  plasticity=rule, name="W"),
                                       Projection(e, e, AllToAll(autapses=False), Delta(-p.inhibition, variable="v"), delay=DT,
                                                  name="inhibition")])
        result = simulate(network, len(z)*self.length, DT, method="exponential_euler", progress=False)
        if not result.completed:
            raise SimulationError(f"Competing neurons: {result.problem}")
        return result
