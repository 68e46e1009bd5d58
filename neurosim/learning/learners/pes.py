"""Decoders learnt online from errors: the delta rule in time, with rates or with spikes (PES, prescribed error sensitivity).

    dD/dt = -kappa s^T e,   e = s D - t        while a sample is shown, `shown` ms each, one after the other

s: rates of a population of LIF neurons (rate mode; one step a sample), or their spikes filtered by a synapse (spiking mode):
tau_s ds/dt = -s, s <- s + 1000/tau_s at a spike.  In spiking mode the answer to the sample before has to fade first, so that
errors act from `settle` ms on.  kappa follows from `learning_rate`, the share of the error of an average sample that showing
it takes away: kappa shown mean |a|^2 = learning_rate.  In rate mode a sample changes D by -kappa a^T (a D - t), the delta
rule; for learning_rate to 0 an epoch is a step of the batch rule.

Everything runs on the engine; the order of the samples is drawn anew for each epoch.

Sources: MacNeil & Eliasmith 2011, doi:10.1371/journal.pone.0022885; Eliasmith & Anderson 2003, Neural Engineering, MIT Press.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neurosim.errors import ParameterError
from neurosim.learning.learners.base import Diverged, LearnerClassifier
from neurosim.learning.learners.decoding import DecodedPopulation, simplex
from neurosim.learning.learners.traits import Traits
from neurosim.learning.learners.tuning import DT, Tuning
from neurosim.model.ir import NeuronModel
from neurosim.nef.models import graded, spiking
from neurosim.simulator.adaptation import RankOne
from neurosim.simulator.connectivity import AllToAll, OneToOne
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.network import Network
from neurosim.simulator.population import Population
from neurosim.simulator.projection import Projection
from neurosim.simulator.simulate import simulate
from neurosim.simulator.stimuli import TimedArray
from neurosim.simulator.synapses import Delta

#: numbers of currents in the table of one run
TABLE = 4_000_000
#: a share of the error above this, taken away at once, makes the error grow
LIMIT = 2.0


class PESClassifier(DecodedPopulation, LearnerClassifier):
    """Classes decoded from a population of LIF neurons; decoders follow their error online, sample by sample.

    Probabilities are those nearest to what is decoded.

    Parameters beside those of every learner (batch_size is not used: a change for every sample):

    n_neurons: neurons of the population.
    learning_rate: share of the error of an average sample that showing it once takes away, below 2.
    mode: "rate" or "spiking", of learning and of the answers.
    shown, settle: ms for which a sample is shown to learn from in spiking mode, and after which errors act.
    tau_s: filter of the spikes while learning, ms.
    duration: ms for which a sample is shown to be answered in spiking mode.
    encoders: "differences" of samples of the first call, or directions on the "sphere".
    max_rates: Hz, two ends. intercepts: two ends within [-1, 1).
    tau_m, t_ref: of the LIF neurons, ms.
    """

    traits: ClassVar[Traits] = Traits(
        rule="dW = -kappa a_pre (y - t)", local=True, needs="none", phases=1, error_signal="error of each answer, online",
        spiking=True, source_doi="10.1371/journal.pone.0022885",
        notes="Tuning curves are drawn and learn nothing; decoders follow the error of the answer.")

    def __init__(self, n_neurons: int = 1000, *, learning_rate: float = 0.3, mode: str = "rate", shown: float = 40.0,
                 settle: float = 20.0, tau_s: float = 10.0, duration: float = 100.0, encoders: str = "differences",
                 max_rates: Any = (100.0, 200.0), intercepts: Any = (0.0, 0.9), tau_m: float = 20.0, t_ref: float = 2.0,
                 max_iter: int = 20, batch_size: int = 1, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        self.n_neurons = n_neurons
        self.learning_rate = learning_rate
        self.mode = mode
        self.shown = shown
        self.settle = settle
        self.tau_s = tau_s
        self.duration = duration
        self.encoders = encoders
        self.max_rates = max_rates
        self.intercepts = intercepts
        self.tau_m = tau_m
        self.t_ref = t_ref
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        self._number("learning_rate", 0.0, LIMIT, open_low=True)
        self._number("tau_s", open_low=True)
        if self._number("settle") >= self._number("shown", open_low=True):
            raise ParameterError(f"{type(self).__name__}: errors act from settle to shown, but settle={self.settle:g} ms is "
                                 f"not less than shown={self.shown:g} ms.")
        self._tune(x, rng)
        # of the samples seen first, as the scales of the tuning curves
        power = np.mean(np.einsum("ij,ij->i", a := self._tuning.rates(x), a))
        self._pace = self._number("learning_rate")/power if power > 0 else 0.0
        self._decoders = np.zeros((self._tuning.size, t.shape[1]))

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        rows = max(1, TABLE//self._tuning.size)
        for k in range(0, len(order), rows):
            part = order[k:k + rows]
            self._decoders[...] = self._taught(x[part], t[part], int(rng.integers(2**62)))
        return float(((self._tuning.rates(x) @ self._decoders - t)**2).mean())

    def _taught(self, x: np.ndarray, t: np.ndarray, seed: int) -> np.ndarray:
        """Return the decoders after samples were shown one by one."""
        spikes = self._choice("mode", ("rate", "spiking")) == "spiking"
        shown = max(2*DT, round(self.shown/DT)*DT) if spikes else DT
        settle = min(round(self.settle/DT)*DT, shown - DT) if spikes else 0.0
        pace = self._pace/(shown - settle)
        network = _Lesson(self._tuning, self._decoders, x, t, shown, settle, pace, self.tau_s, spikes).network
        found = simulate(network, len(x)*shown, DT, seed=seed, progress=False)
        if not found.completed:
            raise Diverged(f"decoders ceased to be finite. Use a learning_rate below {self.learning_rate:g}.")
        return found.connections["decoders"].weight.reshape(self._decoders.shape)

    def _output(self, x: np.ndarray) -> np.ndarray:
        return simplex(self._activities(x) @ self._decoders)

    def _learnt(self) -> list[np.ndarray]:
        return [self._decoders]


class _Lesson:
    """The network in front of a row of samples: neurons, in spiking mode their filters, and one error unit for each class."""

    def __init__(self, tuning: Tuning, decoders: np.ndarray, x: np.ndarray, t: np.ndarray, shown: float, settle: float,
                 pace: float, tau_s: float, spikes: bool):
        n, k = decoders.shape
        model = spiking(tuning.neurons) if spikes else graded(tuning.neurons)
        cells = Population(n, model, name="cells", initial={"v": tuning.starts} if spikes else {})
        populations, links, source, activity = [cells], [], cells, "rate"
        if spikes:
            fading = NeuronModel.from_equations("ds/dt = -s/tau_s", parameters={"tau_s": float(tau_s)}, name="filter")
            source, activity = Population(n, fading, name="filters"), "s"
            populations.append(source)
            links.append(Projection(cells, source, OneToOne(), Delta(1000/tau_s, variable="s"), delay=DT))
        error = NeuronModel.from_equations("e = y - wanted\nchange = -kappa*acts*e", inputs=["y", "wanted", "acts"],
                                           parameters={"kappa": pace}, name="error")
        errors = Population(k, error, name="errors")
        links.append(GradedProjection(source, errors, AllToAll(), decoders.T.ravel(), variable=activity, input="y",
                                      immediate=True, learning=RankOne(source, activity, errors, "change"), name="decoders"))
        acts = np.arange(len(x)*round(shown/DT)) % round(shown/DT) >= round(settle/DT)
        self.network = Network([*populations, errors], record_spikes=[], projections=links, stimuli=[
            TimedArray(tuning.currents(x), interval=shown, target=cells),
            TimedArray(t, interval=shown, target=errors, input="wanted"),
            TimedArray(acts.astype(float), interval=DT, target=errors, input="acts")])
