"""Run one neuron of a built-in model, or one for each current, and draw its voltage."""

from __future__ import annotations

import time
from typing import Any

import click

from neurosim.cli import output
from neurosim.cli.names import settings_of
from neurosim.errors import ParameterError

#: neurons that are still drawn one by one
MOST = 40


def run_neuron(name: str, make: Any, settings: dict[str, Any], out: str, *, duration: float | None, dt: float | None,
               seed: int, threads: int) -> bool:
    """Simulate, print the rates, and write figure, numbers and recordings; return True if the run was complete.

    Raises:
        ParameterError, SimulationError, StorageError: for what cannot run.
        KeyboardInterrupt: after Ctrl-C, when what was recorded until then has been written.
    """
    import numpy as np

    import neurosim as ns

    own = dict(settings)
    current = own.pop("current", None)
    model = make()
    duration = 500.0 if duration is None else duration
    dt = (0.01 if "m" in model.state_names else 0.1) if dt is None else dt
    stimuli, size, unit = [], 1, ""
    parameters = {n: ns_value(v) for n, v in own.items()}
    sizes = {n: len(v) for n, v in parameters.items() if isinstance(v, np.ndarray)}
    if current is not None:
        if not model.inputs:
            raise ParameterError(f"{name} has no input for a current. Leave current= out.")
        current = _current(current, model, name)
        unit = model.units.get(model.inputs[0]) or ""
        if current.ndim:
            sizes["current"] = current.size
    if sizes:
        size = max(sizes.values())
        for given, n in sizes.items():
            if n != size:
                raise ParameterError(f"{given} is a list of {n} values, another of {size}: lists must be of equal length.")
    cells = ns.Population(size, make(**settings_of(parameters)), name=name)
    if current is not None:
        stimuli.append(ns.DC(current, target=cells, input=model.inputs[0]))
    variable = "v" if "v" in model.recordable else model.recordable[0]
    probe = ns.Probe(cells, variable, neurons=list(range(min(size, MOST))), name=variable)
    network = ns.Network([cells], stimuli=stimuli, probes=[probe])
    folder = output.open_folder(out)
    began = time.perf_counter()
    result = ns.simulate(network, duration, dt, seed=seed, threads=threads)
    took = time.perf_counter() - began
    trains = result.spikes.get(name)
    _report(name, current, unit, trains, result, took)
    axes = ns.plot.voltage(result.traces[variable], spikes=trains)
    files = [output.write_figure(folder / f"{name}.png", axes.figure),
             output.write_json(folder / f"{name}.json", {
                 "model": name, "parameters": {k: v for k, v in settings.items()}, "duration": result.duration, "dt": dt,
                 "seed": seed, "method": result.methods[name], "current": current, "problem": result.problem,
                 "spikes": None if trains is None else trains.counts(),
                 "rates": None if trains is None or not result.duration else trains.rates()}),
             output.write_recordings(folder / f"{name}.h5", {"run": result})]
    click.echo("Written: " + ", ".join(map(str, files)))
    if "Ctrl-C" in result.problem:
        raise KeyboardInterrupt
    return result.completed
