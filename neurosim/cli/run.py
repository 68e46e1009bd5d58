"""`neurosim run`: a published model, one neuron of a built-in model, or a script."""

from __future__ import annotations

from pathlib import Path

import click

from neurosim import published
from neurosim.cli import Command, Failed
from neurosim.cli.names import Model, builtin, unknown
from neurosim.cli.output import open_folder
from neurosim.cli.values import MS, read_settings

EXAMPLES = """
neurosim run HodgkinHuxley --set current=10 --duration 200
neurosim run LIF --set current=0.5,1,2 --set "tau_m=20 ms" --out results/
neurosim run AUTHOR_YEAR --seed 3 --threads 2 --out results/
neurosim run script.py --out results/ -- arguments of the script
"""


@click.command("run", cls=Command, examples=EXAMPLES)
@click.argument("model", metavar="MODEL_OR_SCRIPT", type=Model(scripts=True))
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENT...]")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE",
              help="Set a parameter: 3, 1e3, true, 1,2,5 or '10 ms'. May be repeated.")
@click.option("--duration", type=MS, metavar="MS", help="Simulated time (ms, or a quantity such as '2 s').")
@click.option("--dt", type=MS, metavar="MS", help="Time step.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Seed of all random numbers.  [default: 0]")
@click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help="Number of threads.  [default: 1]")
@click.option("--out", type=click.Path(), metavar="DIR",
              help="Folder for figure, numbers and recordings.  [default: ./neurosim-MODEL]")
def command(model: str, arguments: tuple[str, ...], pairs: tuple[str, ...], duration: float | None, dt: float | None,
            seed: int | None, threads: int | None, out: str | None) -> int:
    """Run a model or a script.

    The name of a published model: its experiment runs, what is measured is printed beside what the paper states, and
    the figure (PNG), the numbers (JSON) and the recordings (HDF5) are written to --out. The exit code is 1 if a
    published number is not met with the parameters of the paper.

    The name of a built-in neuron model: a constant current, --set current=..., flows into one neuron (or, for a list,
    into one neuron for each value), and the voltage is drawn.

    A Python script: it runs with --out as its working folder, so that what it saves is found there.
    """
    if model.endswith(".py") or Path(model).is_file():
        from neurosim.cli.script import run_script

        used = [name for name, value in {"--set": pairs, "--duration": duration, "--dt": dt, "--seed": seed,
                                         "--threads": threads}.items() if value]
        if used:
            raise click.UsageError(f"{', '.join(used)} cannot be used with a script. Its own arguments stand after --.")
        return run_script(model, arguments, out)
    if arguments:
        raise click.UsageError(f"Unexpected {arguments[0]!r}: only a script takes arguments.")
    settings = read_settings(pairs)
    if model in published.names():
        from neurosim.cli.experiment import run_published

        module = published.load(model)
        if dt is not None:
            settings["dt"] = dt
        parameters = published.parameters(module, settings)
        folder = open_folder(out or f"neurosim-{model}")
        good = run_published(model, module, parameters, folder, duration=duration, seed=seed or 0, threads=threads or 1)
    elif model in builtin():
        from neurosim.cli.neuron import run_neuron

        good = run_neuron(model, builtin()[model], settings, out or f"neurosim-{model}",
                          duration=duration or 500.0, dt=dt, seed=seed or 0, threads=threads or 1)
    else:
        raise unknown(model, " A script is a file that exists, such as ./script.py.")
    if not good:
        raise Failed(1)
    return 0
