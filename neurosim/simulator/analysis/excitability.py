"""Firing against input: f-I curves, rheobase, tuning curves; each of them one run with a neuron for every input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.model.ir import NeuronModel
from neurosim.simulator.analysis import inputs as checked

if TYPE_CHECKING:
    from neurosim.simulator.population import Population

#: neurons simulated at once by `tuning_curve`, which bounds its memory
AT_ONCE = 20_000
#: currents a round of `rheobase` tries: one tile of the engine, so they cost no more than one
CURRENTS = 64


def fi_curve(model: NeuronModel, currents: ArrayLike, duration: float = 1000.0, start: float = 200.0, dt: float = 0.05, *,
             input: str | None = None, estimate: str = "count", threads: int = 1, method: str | None = None,
             seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return firing rates for constant currents that set in at t = 0, from the initial state of the model.

    Args:
        model: the model; parameters are numbers, or arrays of shape (n,) with one value for each current.
        currents: shape (n,), unit of the input.
        duration: ms.
        start: ms; spikes before it do not count, so that the onset is left out.
        dt: ms.
        input: the input of the model; may be left out if it has just one.
        estimate: "count", spikes in [start, duration) per second, in steps of 1000/(duration - start) Hz; or
            "intervals", the inverse of the mean interval, 0 for fewer than two spikes: finer, but only for regular firing.
        threads, method, seed: as in `simulate`.

    Returns:
        (currents, rates in Hz), both of shape (n,).

    Raises:
        ParameterError: for currents that are not finite, a window that is empty, an unknown estimate.
        ModelError: for a model without threshold.
    """
    values = _currents(currents, "fi_curve", "currents")
    length, begin = _window(duration, start, "fi_curve")
    if estimate not in ("count", "intervals"):
        raise ParameterError(f"fi_curve: estimate must be 'count' or 'intervals', not {estimate!r}.")
    _fires(model, "fi_curve")
    spikes = _run(model, values, length, dt, input, threads=threads, method=method, seed=seed)
    rates = spikes.rates(begin, length) if estimate == "count" else spikes.rates_from_isi(begin, length, silent=0.0)
    return values, np.asarray(rates, dtype=float)


def rheobase(model: NeuronModel, low: float, high: float, tolerance: float = 1e-3, duration: float = 1000.0,
             dt: float = 0.05, *, start: float = 0.0, input: str | None = None, threads: int = 1,
             method: str | None = None) -> float:
    """Return the smallest constant current that makes the model fire, by repeated division of an interval.

    Each round tries 64 currents at once, from the initial state of the model with the current on from t = 0, and goes on
    between the first that fires and the one below it.  This takes firing to go on above the first current that fires;
    where it does not, the first onset above `low` is found as far as the 64 currents show it.

    Args:
        model: the model; parameters are single numbers.
        low, high: currents, the lower silent, the higher firing; unit of the input.
        tolerance: how narrow the interval shall become; unit of the input.
        duration: ms; close to the rheobase a type I neuron needs long to fire, so that a short run finds too much.
        dt: ms.
        start: ms; only spikes from here on count: 0 finds the current for a single spike, half of the duration that
            for lasting fire.
        input: the input of the model; may be left out if it has just one.
        threads, method: as in `simulate`.

    Returns:
        A current that fires, at most `tolerance` above one that does not.

    Raises:
        ParameterError: if `low` fires or `high` does not, for a tolerance that is not positive or cannot be resolved.
        ModelError: for a model without threshold.
    """
    length, begin = _window(duration, start, "rheobase")
    _fires(model, "rheobase")
    unit = model.units.get(input or next(iter(model.inputs), "")) or "1"
    low = checked.number(low, "low", "rheobase", unit=unit)
    high = checked.number(high, "high", "rheobase", unit=unit)
    tolerance = checked.number(tolerance, "tolerance", "rheobase", above=0.0, unit=unit)
    if not low < high:
        raise ParameterError(f"rheobase: low ({low:g}) must be below high ({high:g}).")
    if tolerance < 4 * np.spacing(max(abs(low), abs(high))):
        raise ParameterError(f"rheobase: tolerance={tolerance:g} is finer than float64 near {max(abs(low), abs(high)):g}.")
    first = True
    while True:
        tried = np.linspace(low, high, CURRENTS)
        spikes = _run(model, tried, length, dt, input, threads=threads, method=method)
        firing = np.asarray(spikes.rates(begin, length)) > 0
        if first and firing[0]:
            raise ParameterError(f"rheobase: {model.name} fires at low={low:g} already. Give a lower one.")
        if first and not firing[-1]:
            raise ParameterError(f"rheobase: {model.name} does not fire at high={high:g} within {length:g} ms. Give a "
                                 "higher one, or a longer duration.")
        first = False
        k = int(np.argmax(firing))
        low, high = float(tried[k - 1]), float(tried[k])
        if high - low <= tolerance:
            return high


def tuning_curve(population: Population | NeuronModel, stimulus: ArrayLike, current: Callable | None = None,
                 duration: float = 1000.0, start: float = 200.0, dt: float = 0.1, *, input: str | None = None,
                 threads: int = 1, method: str | None = None, seed: int = 0) -> np.ndarray:
    """Return the rate of every neuron of a population for every value of a stimulus.

    Args:
        population: the neurons, each with its own parameters, or a model for one neuron.  Distributions are drawn once,
            as `simulate` would with the same seed.
        stimulus: shape (n_x,) or (n_x, d) for d dimensions.
        current: function of one value of the stimulus (a number, or an array of shape (d,)) that returns the input
            currents: one number, or an array of shape (n_neurons,), such as ``lambda x: gain*(encoders*x) + bias``.
            None: the stimulus is the current.
        duration: ms.
        start: ms; spikes before it do not count.
        dt: ms.
        input: the input of the model; may be left out if it has just one.
        threads, method, seed: as in `simulate`.

    Returns:
        Rates in Hz, shape (n_x, n_neurons), as `plot.tuning_curves` takes them.

    Raises:
        ParameterError: for a stimulus that is not finite, currents of a wrong shape, a window that is empty.
        ModelError: for a model without threshold.
    """
    from neurosim.simulator.population import Population

    if isinstance(population, NeuronModel):
        population = Population(1, population)
    if not isinstance(population, Population):
        raise ParameterError(f"tuning_curve: a Population or a NeuronModel is needed, not {type(population).__name__}.")
    length, begin = _window(duration, start, "tuning_curve")
    points = np.asarray(stimulus, dtype=float)
    if points.ndim not in (1, 2) or not points.size or not np.isfinite(points).all():
        raise ParameterError(f"tuning_curve: stimulus must be finite, of shape (n_x,) or (n_x, d), not {points.shape}.")
    if current is None and points.ndim == 2:
        raise ParameterError("tuning_curve: a stimulus of several dimensions is no current. Give current=.")
    n = population.size
    _fires(population.model, "tuning_curve")
    model = _drawn(population, seed)
    rates = np.empty((len(points), n))
    together = max(1, AT_ONCE // n)
    for first in range(0, len(points), together):
        part = points[first:first + together]
        drive = np.concatenate([_drive(current, x, n) for x in part])
        spikes = _run(_repeated(model, len(part), n), drive, length, dt, input, threads=threads, method=method, seed=seed)
        rates[first:first + together] = np.reshape(spikes.rates(begin, length), (len(part), n))
    return rates


def _run(model: NeuronModel, currents: np.ndarray, duration: float, dt: float, input: str | None, **options: Any):
    # the engine's results import this package
    from neurosim.simulator.network import Network
    from neurosim.simulator.population import Population
    from neurosim.simulator.simulate import simulate
    from neurosim.simulator.stimuli import DC

    cells = Population(currents.size, model, name="cells")
    network = Network([cells], stimuli=[DC(currents, target=cells, input=input)])
    result = simulate(network, duration, dt, progress=False, **options)
    if not result.completed:
        raise ParameterError(f"The run of {model.name} stopped at {result.time:g} ms: {result.problem}. Use a smaller dt, "
                             "or currents within the range the model is meant for.")
    return result.spikes["cells"]


def _currents(values: ArrayLike, where: str, name: str) -> np.ndarray:
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{where}: {name} must be numbers, not {values!r:.60}.") from None
    if array.ndim > 1 or not array.size or not np.isfinite(array).all():
        raise ParameterError(f"{where}: {name} must be finite numbers of shape (n,), not of shape {array.shape}.")
    return np.atleast_1d(array)


def _window(duration: Any, start: Any, where: str) -> tuple[float, float]:
    length = checked.number(duration, "duration", where, above=0.0)
    begin = checked.number(start, "start", where, least=0.0)
    if begin >= length:
        raise ParameterError(f"{where}: start ({begin:g} ms) must lie before the end ({length:g} ms).")
    return length, begin


def _fires(model: NeuronModel, where: str) -> None:
    from neurosim.errors import ModelError

    if not isinstance(model, NeuronModel):
        raise ParameterError(f"{where}: a NeuronModel is needed, not {type(model).__name__}.")
    if model.threshold is None:
        raise ModelError(f"{where}: {model.name} has no threshold and thus no spikes.")


def _drive(current: Callable | None, x: np.ndarray, n: int) -> np.ndarray:
    value = np.asarray(x if current is None else current(x), dtype=float)
    if value.shape not in ((), (1,), (n,)) or not np.isfinite(value).all():
        raise ParameterError(f"tuning_curve: current= must return one finite number or an array of shape ({n},); for {x} it "
                             f"returned shape {value.shape}.")
    return np.broadcast_to(value, (n,))


def _drawn(population: Population, seed: int) -> NeuronModel:
    """Return the model with distributions replaced by what `simulate` would draw for the first population."""
    from neurosim.simulator.lower import VALUE_STREAM

    model = population.model
    values: dict[str, Any] = {}
    places: list[tuple[int, Mapping[str, Any], tuple[str, ...]]] = [
        (VALUE_STREAM, model.parameters, tuple(model.parameters)), (2 * VALUE_STREAM, model.initial, model.state_names)]
    for stream, given, names in places:
        for k, name in enumerate(names):
            if getattr(given.get(name), "is_distribution", False):
                values[name] = given[name].sample(seed, stream + k, population.size)
    return model.with_parameters(**values) if values else model


def _repeated(model: NeuronModel, times: int, n: int) -> NeuronModel:
    """Return the model with every array of n values repeated."""
    values = {name: np.tile(value, times) for given in (model.parameters, model.initial) for name, value in given.items()
              if isinstance(value, np.ndarray) and value.size == n}
    return model.with_parameters(**values) if values else model
