"""neurosim: spiking neurons at compiled speed, from scripts of fifteen lines."""

from __future__ import annotations

from neurosim.lazy import public

__version__ = "0.1.0"

#: public names and where they live; each is imported when it is first used
_WHERE = {
    "simulator.population": ("Population", "View"),
    "simulator.network": ("Network", "Probe"),
    "simulator.projection": ("Projection",),
    "simulator.equation_synapse": ("EquationSynapse",),
    "simulator.graded": ("GradedProjection", "GapJunctions"),
    "simulator.synapses": ("Delta", "Pulse", "Exponential", "Alpha", "Filter", "DoubleExponential", "NMDA"),
    "simulator.connectivity": ("OneToOne", "AllToAll", "Bernoulli", "FixedInDegree", "FixedOutDegree", "FixedTotalNumber",
                               "DistanceDependent", "SmallWorld", "Explicit", "Matrix", "Graph"),
    "simulator.connections": ("Connections",),
    "simulator.adaptation": ("RankOne",),
    "simulator.plasticity": ("STDP", "TripletSTDP", "InhibitorySTDP", "ShortTerm", "RewardSTDP", "Oja", "BCM"),
    "simulator.simulate": ("simulate",),
    "simulator.results": ("Result",),
    "simulator.spikes": ("SpikeTrains",),
    "simulator.traces": ("Trace",),
    "simulator.stimuli": ("DC", "Step", "Ramp", "Sine", "Chirp", "Waveform", "TimedArray"),
    "simulator.noise": ("WhiteNoise", "OrnsteinUhlenbeck"),
    "simulator.live": ("TimeFunction", "Callback"),
    "simulator.events": ("PoissonInput", "SpikeInput"),
    "simulator.distributions": ("Uniform", "Normal", "LogNormal", "ExponentialDistribution", "Choice"),
    "simulator.neurons": ("LIF", "DimensionlessLIF", "QIF", "ExpIF", "AdEx", "Izhikevich", "HodgkinHuxley", "TraubMiles",
                          "MorrisLecar", "FitzHughNagumo", "Poisson", "Graded"),
    "model.ir": ("NeuronModel",),
    "model.plasticity": ("PlasticityModel",),
    "errors": ("NeurosimError", "ModelError", "UnitError", "ParameterError", "NetworkError", "SimulationError",
               "StorageError", "NeurosimWarning", "NumericalWarning"),
}
_MODULES = {"analysis": "simulator.analysis", "attractors": "attractors", "autodiff": "autodiff", "learning": "learning",
            "nef": "nef", "plot": "plot", "predictive": "predictive"}

__getattr__, __dir__, __all__ = public(__name__, _WHERE, _MODULES)
