"""Competing neurons that learn by STDP only as far as reward follows: the network of `winners` with a critic, on the engine.

    neuron spikes:   c <- c + x - w                        tau_c dc/dt = -c       eligibility of each connection
    reward           R = mean over all spikes: 1 for one of a neuron of the class wanted, -1 for any other
    at its end:      w <- w + eta (R - expected) c, 0 <= w <= 1        for all connections, by one number that all receive

x: traces of the channels. A critic, one unit for the whole network, adds up what each spike was worth, and sends the difference
to what was expected to all neurons in the last step before darkness; it sends no more than that number.  While they learn,
neurons get random currents, one for each sample, so that others than the best one are tried too.

Sources: Izhikevich 2007, doi:10.1093/cercor/bhl152; Fremaux & Gerstner 2016, doi:10.3389/fncir.2015.00085.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.errors import SimulationError
from neurosim.learning.learners.winners import CLEAR, DARK, DT, Competition
from neurosim.model.ir import NeuronModel
from neurosim.model.plasticity import PlasticityModel
from neurosim.simulator.connectivity import AllToAll
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.network import Network
from neurosim.simulator.population import Population
from neurosim.simulator.projection import Projection
from neurosim.simulator.simulate import simulate
from neurosim.simulator.stimuli import TimedArray
from neurosim.simulator.synapses import Delta

#: eligibility, ms
TAU_C = 30.0


@dataclass(frozen=True, eq=False)
class Rewarded(Competition):
    """Competing neurons with a critic; for answers use `show`."""

    def taught(self, z: np.ndarray, wanted: np.ndarray, noise: np.ndarray, eta: float, expected: float, theta_plus: float,
               memory: float) -> tuple[Rewarded, np.ndarray]:
        """Show samples one after the other, with reward.

        Args:
            z: brightness of channels, (m, channels). wanted: 1 where a neuron may fire, 0 where not, (m, neurons).
            noise: currents, (m, neurons). eta: speed of learning. expected: reward that was expected.
            theta_plus, memory: as for `show`.

        Returns:
            (Neurons after it, spikes (m, neurons)).

        Raises:
            SimulationError: states ceased to be finite.
        """
        now, spikes, rows = self, [], max(1, 4_000_000//(z.shape[1] + 2*len(self.thresholds) + round(self.length/DT)))
        for k in range(0, len(z), rows):
            part = slice(k, k + rows)
            network = now._lesson(z[part], wanted[part], noise[part], eta, expected, theta_plus, memory)
            result = simulate(network, len(z[part])*self.length, DT, method="exponential_euler", progress=False)
            if not result.completed:
                raise SimulationError(f"Rewarded neurons: {result.problem}")
            spikes.append(self._counts(result, "E", len(z[part])))
            now = replace(now, thresholds=result.final("E", "theta"),
                          weights=result.connections["W"].weight.reshape(self.weights.shape))
        return now, np.concatenate(spikes)

    def _lesson(self, z: np.ndarray, wanted: np.ndarray, noise: np.ndarray, eta: float, expected: float, theta_plus: float,
                memory: float) -> Network:
        x, shows = self._sources(z)
        p, n, dark = self.times, len(self.thresholds), self._dark(len(z))
        neuron = NeuronModel.from_equations(
            "dv/dt = (g + noise - v)/tau - leak*dark*v\ndg/dt = -g/tau_g - leak*dark*g\ndtheta/dt = -forget*theta\n"
            "dworth/dt = -leak*dark*worth\ndfired/dt = -leak*dark*fired\ndlesson/dt = leak*(teaching - lesson)",
            threshold="v > 1 + theta", reset="v = 0; theta += theta_plus; worth += 2*wanted - 1; fired += 1", name="rewarded",
            inputs=["dark", "noise", "wanted", "teaching"],
            parameters={"tau": p.tau, "tau_g": p.tau_g, "forget": 1/(memory*self.length), "theta_plus": theta_plus,
                        "leak": CLEAR})
        critic = NeuronModel.from_equations("surprise = acts*(worth/maximum(fired, 1) - expected*minimum(fired, 1))",
                                            inputs=["worth", "fired", "acts"], parameters={"expected": expected}, name="critic")
        rule = PlasticityModel.from_equations(
            "dc/dt = -c/tau_c", on_pre="send(gain*(w - balance))", on_post="c += x_pre - w", on_step="w += eta*lesson_post*c",
            parameters={"gain": self.gain, "eta": eta, "balance": self.balance, "tau_c": TAU_C}, name="rewarded",
            bounds={"w": (0, 1)})
        e = Population(n, neuron, name="E", initial={"theta": self.thresholds})
        one = Population(1, critic, name="critic")
        steps, last = round(self.length/DT), round((self.length - DARK)/DT) - 1
        acts = np.tile(np.arange(steps) == last, len(z)).astype(float)
        return Network([x, e, one], record_spikes=[e], stimuli=[
            *shows, TimedArray(dark, interval=DT, target=e, input="dark"),
            TimedArray(acts, interval=DT, target=one, input="acts"),
            TimedArray(noise, interval=self.length, target=e, input="noise"),
            TimedArray(wanted, interval=self.length, target=e, input="wanted")],
            projections=[
                Projection(x, e, AllToAll(), Delta(self.weights.T.ravel(), variable="g"), delay=DT, plasticity=rule, name="W"),
                Projection(e, e, AllToAll(autapses=False), Delta(-p.inhibition, variable="v"), delay=DT, name="inhibition"),
                *(GradedProjection(e, one, np.ones((n, 1)), variable=v, input=v, name=v) for v in ("worth", "fired")),
                GradedProjection(one, e, np.ones((1, n)), variable="surprise", input="teaching")])
