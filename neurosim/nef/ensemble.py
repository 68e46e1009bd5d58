"""Ensembles of neurons that represent a vector together, arrays of them, and direct access to their neurons.

    a_i = G(J_i),   J_i = gain_i <e_i, x>/radius + bias_i

Source: Eliasmith & Anderson 2003, Neural Engineering, MIT Press (isbn 9780262550604).
"""

from __future__ import annotations

import warnings
from copy import copy
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import NeurosimWarning, ParameterError
from neurosim.nef.neurons import LIF, NeuronType
from neurosim.nef.node import Node
from neurosim.nef.parts import End, a_name, numbers, positive, positive_integer
from neurosim.nef.sphere import ScatteredBall, ScatteredSphere
from neurosim.simulator.distributions import Choice, Distribution, Uniform


@dataclass(frozen=True, eq=False)
class Ensemble(End):
    """Neurons that represent a vector x of some dimensions.

    Args:
        n_neurons: how many neurons.
        dimensions: of x.
        radius: length of x up to which it is represented well.
        neurons: neuron type; afterwards ``ensemble.neuron_type``, while ``ensemble.neurons`` gives the neurons as an end of
            connections and a target of probes.
        encoders: what each neuron prefers: array (n, d), whose rows are scaled to length 1, or a sampler.
        max_rates: Hz at <e, x>/radius = 1: a distribution, a number or an array (n,).
        intercepts: <e, x>/radius where a neuron starts to fire, in [-1, 1): a distribution, a number or an array (n,).
        gain, bias: number or array (n,), both or none; given, max_rates and intercepts are not used.
        eval_points: points x for which decoders are solved: array (m, d) in the units of x, or a sampler of the unit ball
            (which is scaled by radius).
        n_eval_points: how many points a sampler draws; None: a number that suffices for n_neurons and dimensions.
        noise: strength of white noise in the current J, ms**0.5: each step dt adds noise N(0, 1)/sqrt(dt); None: none.
        seed: of everything that is drawn; None: follows from the network's seed and the place in the network.
        name: for messages and results.

    Raises:
        ParameterError: for intercepts outside [-1, 1), max_rates the neurons cannot reach, encoders of length 0, wrong
            shapes, values that are not finite, radius <= 0.

    Warns:
        NeurosimWarning: for fewer evaluation points than dimensions.
    """

    n_neurons: int
    dimensions: int = 1
    _: KW_ONLY
    radius: float = 1.0
    neurons: Any = field(default_factory=LIF)
    encoders: Any = field(default_factory=ScatteredSphere)
    max_rates: Any = field(default_factory=lambda: Uniform(200, 400))
    intercepts: Any = field(default_factory=lambda: Uniform(-1, 0.9))
    gain: Any = None
    bias: Any = None
    eval_points: Any = field(default_factory=ScatteredBall)
    n_eval_points: int | None = None
    noise: float | None = None
    seed: int | None = None
    name: str | None = None

    def __post_init__(self):
        a_name(self.name, "Ensemble")
        put = lambda key, value: object.__setattr__(self, key, value)
        what = self.describe()
        put("n_neurons", positive_integer(self.n_neurons, f"{what}: n_neurons"))
        put("dimensions", positive_integer(self.dimensions, f"{what}: dimensions"))
        put("radius", positive(self.radius, f"{what}: radius", ""))
        kind = self.neurons.ensemble.neuron_type if isinstance(self.neurons, Neurons) else self.neurons
        if not isinstance(kind, NeuronType):
            raise ParameterError(f"{what}: neurons must be a neuron type such as nef.LIF(), not {kind!r:.60}.")
        put("neuron_type", kind)
        put("neurons", Neurons(self))
        self._check_encoders(put, what)
        if (self.gain is None) != (self.bias is None):
            raise ParameterError(f"{what}: gain and bias belong together: give both, or neither with max_rates and intercepts.")
        if self.gain is None:
            self._check_tuning(put, what)
        else:
            for key in ("gain", "bias"):
                put(key, self._each(key, getattr(self, key), what))
        self._check_points(put, what)
        if self.noise is not None and not (_is_number(self.noise) and 0 <= self.noise < np.inf):
            raise ParameterError(f"{what}: noise must be a number of at least 0 (ms**0.5), not {self.noise!r}.")
        if self.seed is not None:
            check_seed(self.seed, what)

    def another(self, name: str | None, seed: int | None) -> Ensemble:
        """Return an ensemble of the same description, which has been checked, with a name and a seed of its own."""
        other = copy(self)
        for key, value in (("name", name), ("seed", seed), ("neurons", Neurons(other))):
            object.__setattr__(other, key, value)
        return other

    @property
    def size_in(self) -> int:
        """Dimensions of x."""
        return self.dimensions

    @property
    def size_out(self) -> int:
        """Dimensions of x."""
        return self.dimensions

    def _each(self, key: str, values: Any, what: str) -> np.ndarray:
        array = numbers(values, f"{what}: {key}", f"Give a number or an array of {self.n_neurons}.")
        if array.shape not in ((), (self.n_neurons,)):
            raise ParameterError(f"{what}: {key} has shape {array.shape}; give a number or one value for each of the "
                                 f"{self.n_neurons} neurons.")
        return array

    def _check_encoders(self, put, what: str) -> None:
        if is_sampler(self.encoders):
            return
        array = numbers(self.encoders, f"{what}: encoders", "Give an array (n, d) or a sampler such as nef.Sphere().")
        if array.shape != (self.n_neurons, self.dimensions):
            raise ParameterError(f"{what}: encoders have shape {array.shape}; for {self.n_neurons} neurons and "
                                 f"{self.dimensions} dimensions they must be ({self.n_neurons}, {self.dimensions}).")
        put("encoders", normalised(array, what))

    def _check_tuning(self, put, what: str) -> None:
        """Check max_rates and intercepts, as far as they are known before anything is drawn."""
        drawn = {}
        for key in ("max_rates", "intercepts"):
            drawn[key] = isinstance(getattr(self, key), Distribution)
            if not drawn[key]:
                put(key, self._each(key, getattr(self, key), what))
        rates, starts = _possible(self.max_rates), _possible(self.intercepts)
        outside = starts[~((starts >= -1) & (starts < 1))]
        if drawn["intercepts"] and outside.size:
            raise ParameterError(f"{what}: intercepts are drawn from {self.intercepts}, which gives {outside[0]:g}; they must "
                                 "lie in [-1, 1): the neuron must start to fire where x can be, below its max_rate.")
        try:
            if not any(drawn.values()):
                self.neuron_type.gain_bias(rates, starts)
                return
            for rate in rates:
                self.neuron_type.gain_bias(rate, 0.0)
            if rates.size and starts.size:
                self.neuron_type.gain_bias(rates[0], starts)
        except ParameterError as problem:
            where = [f"{key} are drawn from {getattr(self, key)}" for key in drawn if drawn[key]]
            raise ParameterError(f"{what}: {problem}{' Here ' + ', '.join(where) + '.' if where else ''}") from None

    def _check_points(self, put, what: str) -> None:
        if self.n_eval_points is not None:
            put("n_eval_points", positive_integer(self.n_eval_points, f"{what}: n_eval_points"))
        count = self.n_eval_points
        if not is_sampler(self.eval_points):
            if count is not None:
                raise ParameterError(f"{what}: n_eval_points is for samplers; eval_points are given as an array.")
            put("eval_points", points_of(self.eval_points, self.dimensions, what))
            count = len(self.eval_points)
        if count is not None:
            few_points(count, self.dimensions, what)


@dataclass(frozen=True, eq=False)
class Neurons(End):
    """The neurons of an ensemble themselves: currents in, activities (Hz) out.

    As the end of a connection it adds to J; as its beginning it gives the activity of each neuron in Hz, where a spike
    counts 1000/dt Hz in its step.

    Args:
        ensemble: whose neurons.
    """

    ensemble: Ensemble

    @property
    def size_in(self) -> int:
        """Number of neurons."""
        return self.ensemble.n_neurons

    @property
    def size_out(self) -> int:
        """Number of neurons."""
        return self.ensemble.n_neurons

    @property
    def name(self) -> str | None:
        """Name of the ensemble with ``.neurons``, or None."""
        return self.ensemble.name and f"{self.ensemble.name}.neurons"

    def describe(self) -> str:
        """Return how messages call it."""
        return f"the neurons of {self.ensemble.describe()}"


class EnsembleArray(End):
    """Ensembles side by side, each for some dimensions of a long vector.

    It stands for the whole vector on both ends of a connection; a function on a connection from it acts on each ensemble by
    itself.  Every ensemble draws its own parameters.

    Args:
        n_neurons: neurons of each ensemble.
        n_ensembles: how many.
        ens_dimensions: dimensions of each.
        **options: as for `Ensemble`, the same for each; arrays too.

    Attributes:
        ensembles: tuple of the ensembles.
        input: relay to all of them.
        output: relay with the decoded value of all of them.

    Raises:
        ParameterError: as for `Ensemble`.
    """

    def __init__(self, n_neurons: int, n_ensembles: int, ens_dimensions: int = 1, *, name: str | None = None,
                 seed: int | None = None, **options: Any):
        a_name(name, "EnsembleArray")
        self.name = name
        what = self.describe()
        self.n_ensembles = positive_integer(n_ensembles, f"{what}: n_ensembles")
        self.ens_dimensions = positive_integer(ens_dimensions, f"{what}: ens_dimensions")
        if seed is not None:
            check_seed(seed, what)
        first = Ensemble(n_neurons, ens_dimensions, **options)
        self.n_neurons = first.n_neurons
        self.seed = seed
        seeds = [None] * n_ensembles
        if seed is not None:
            seeds = np.random.SeedSequence(seed).generate_state(n_ensembles, np.uint64).tolist()
        self.ensembles = tuple(first.another(name and f"{name}.{k}", s) for k, s in enumerate(seeds))
        self.input = Node(size_in=self.size_in, name=name and f"{name}.input")
        self.output = Node(size_in=self.size_out, name=name and f"{name}.output")

    @property
    def size_in(self) -> int:
        """Dimensions of the whole vector."""
        return self.n_ensembles * self.ens_dimensions

    @property
    def size_out(self) -> int:
        """Dimensions of the whole vector."""
        return self.n_ensembles * self.ens_dimensions

    def __len__(self) -> int:
        return self.n_ensembles

    def part_of(self, k: int) -> slice:
        """Return which dimensions ensemble k represents."""
        return slice(k * self.ens_dimensions, (k + 1) * self.ens_dimensions)


def is_sampler(value: Any) -> bool:
    """Return whether a value draws points: sample(n, d, rng) -> (n, d)."""
    return callable(getattr(value, "sample", None)) and not isinstance(value, Distribution)


def normalised(encoders: np.ndarray, what: str) -> np.ndarray:
    """Return encoders with rows of length 1.

    Raises:
        ParameterError: for a row of length 0, naming the neuron.
    """
    length = np.linalg.norm(encoders, axis=1)
    if not length.all():
        k = int(np.argmin(length))
        more = f" and of {(length == 0).sum() - 1} more" if (length == 0).sum() > 1 else ""
        raise ParameterError(f"{what}: the encoder of neuron {k}{more} has length 0, so that it prefers nothing. Give it a "
                             "direction.")
    # rows that have length 1 already stay as they are, to the last bit
    scale = np.where(np.abs(length - 1) < 1e-15, 1.0, length)
    out = encoders / scale[:, None]
    out.flags.writeable = False
    return out


def points_of(points: Any, dimensions: int, what: str) -> np.ndarray:
    """Return evaluation points as an array (m, d).

    Raises:
        ParameterError: for another shape, or values that are not finite.
    """
    array = numbers(points, f"{what}: eval_points", "Give an array (m, d) or a sampler such as nef.Ball().")
    if array.ndim == 1 and dimensions == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != dimensions or not array.size:
        raise ParameterError(f"{what}: eval_points have shape {array.shape}; they must be (m, {dimensions}), a row for each "
                             "point.")
    return array


def few_points(count: int, dimensions: int, what: str) -> None:
    """Warn of fewer evaluation points than dimensions."""
    if count < dimensions:
        warnings.warn(f"{what}: {count} evaluation points for {dimensions} dimensions: decoders cannot know all directions. "
                      f"Take {dimensions} or more.", NeurosimWarning, stacklevel=4)


def check_seed(seed: Any, what: str) -> None:
    """Check a seed.

    Raises:
        ParameterError: for what is not a whole number of at least 0.
    """
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ParameterError(f"{what}: seed must be a whole number of at least 0, not {seed!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def _possible(value: Any) -> np.ndarray:
    """Return values that are certain to be possible: all that are given, the ends of an interval, none of unlimited tails."""
    if isinstance(value, Uniform):
        # the upper end itself is never drawn
        return np.array([value.low, max(value.low, np.nextafter(value.high, -np.inf))])
    if isinstance(value, Choice):
        return np.asarray(value.values, dtype=float)
    return np.zeros(0) if isinstance(value, Distribution) else np.atleast_1d(value)
