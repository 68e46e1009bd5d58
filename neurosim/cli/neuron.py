"""Run one neuron of a built-in model, or one for each value of a list, and draw the voltage."""

from __future__ import annotations

import math
import time
from typing import Any

import click
import numpy as np

import neurosim as ns
from neurosim.cli import output
from neurosim.errors import ParameterError, listing, nearest
from neurosim.model.values import checked_value

#: neurons that are still drawn one by one
MOST = 40
#: samples that are recorded at most; longer runs are recorded less often
SAMPLES = 10_000_000


def run_neuron(name: str, make: Any, settings: dict[str, Any], out: str, *, duration: float, dt: float | None,
               seed: int, threads: int) -> bool:
    """Simulate, print the rates, and write figure, numbers and recordings; return whether the run was complete.

    Raises:
        ParameterError, SimulationError, StorageError: for what cannot run.
        KeyboardInterrupt: after Ctrl-C, when what was recorded until then has been written.
    """
    model = make()
    # conductance-based models have gates that are faster than a tenth of a millisecond
    dt = dt or (0.01 if "m" in model.recordable else 0.1)
    network, current = _network(name, model, settings, duration, dt)
    (cells,) = network.populations
    folder = output.open_folder(out)
    began = time.perf_counter()
    result = ns.simulate(network, duration, dt, seed=seed, threads=threads)
    took = time.perf_counter() - began
    click.echo(f"{cells.size} x {name}, {result.duration:g} ms in steps of {dt:g} ms by {result.methods[name]}, "
               f"{took:.2f} s, of which {result.compile_s:.2f} s compiling or loading.")
    trains = result.spikes.get(name)
    rates = trains.rates() if trains is not None and result.duration > 0 else None
    _report(current, cells, trains, rates)
    if network.probes:
        drawn = ns.plot.voltage(result.traces[network.probes[0].variable], spikes=trains)
    else:
        drawn = ns.plot.raster(result)
    written = [
        output.write_figure(folder / f"{name}.png", drawn),
        output.write_json(folder / f"{name}.json", {
            "model": name, "neurosim": ns.__version__, "settings": settings, "duration": result.duration, "dt": dt,
            "seed": seed, "method": result.methods[name], "current": current, "rates": rates,
            "spikes": None if trains is None else trains.counts(), "problem": result.problem}),
        output.write_recordings(folder / f"{name}.h5", {"run": result})]
    click.echo("Written: " + ", ".join(map(str, written)))
    if "Ctrl-C" in result.problem:
        raise KeyboardInterrupt
    return result.completed


def _network(name: str, model: Any, settings: dict[str, Any], duration: float, dt: float) -> tuple[Any, Any]:
    """Return the network and the current (number or array, in the unit of the input; None without one)."""
    known = [*model.parameters, *model.state_names, *(["current"] if model.inputs else [])]
    for key in settings:
        if key not in known and not (key == "current" and not model.inputs):
            raise ParameterError(f"{name} has no parameter {key!r}.{nearest(key, known)} Known: {listing(known)}.")
    values = {key: np.asarray(v, dtype=float) if isinstance(v, list) else v for key, v in settings.items()}
    current = values.pop("current", None)
    if current is not None:
        if not model.inputs:
            raise ParameterError(f"{name} has no input for a current: leave current= out.")
        current = checked_value(current, "current", model.units.get(model.inputs[0]), f"input of {name}")
    lengths = {key: len(v) for key, v in {**values, "current": current}.items() if isinstance(v, np.ndarray)}
    if len(set(lengths.values())) > 1:
        raise ParameterError("Lists must be of equal length: "
                             + ", ".join(f"{key} has {n} values" for key, n in lengths.items()) + ".")
    size = max(lengths.values(), default=1)
    states = {key: values.pop(key) for key in list(values) if key in model.state_names}
    cells = ns.Population(size, model, name=name, parameters=values, initial=states)
    # a source of spikes has nothing to record but them
    variables = [v for v in ("v", *model.recordable) if v in model.recordable][:1]
    every = dt*max(1, math.ceil(duration/dt*min(size, MOST)/SAMPLES))
    probes = [ns.Probe(cells, v, neurons=np.arange(min(size, MOST)), every=every) for v in variables]
    stimuli = [] if current is None else [ns.DC(current, target=cells, input=model.inputs[0])]
    return ns.Network([cells], stimuli=stimuli, probes=probes), current


def _report(current: Any, cells: Any, trains: Any, rates: Any) -> None:
    if trains is None:
        click.echo("The model has no threshold: there are no spikes to count.")
        return
    unit = cells.model.units.get(cells.model.inputs[0]) if cells.model.inputs else None
    counts = trains.counts()
    currents = np.broadcast_to(0.0 if current is None else current, cells.size)
    rows = [(str(k), f"{currents[k]:g}", str(counts[k]), "-" if rates is None else f"{rates[k]:.4g}")
            for k in range(min(cells.size, MOST))]
    output.table(("neuron", f"current ({unit})" if unit else "current", "spikes", "rate (Hz)"), rows)
    if cells.size > MOST:
        click.echo(f"... and {cells.size - MOST} more")
