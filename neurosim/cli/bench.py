"""`neurosim bench`: the benchmarks that travel with the package."""

from __future__ import annotations

import importlib.util
import sys

import click

from neurosim import published
from neurosim.cli import Command
from neurosim.errors import StorageError

EXAMPLES = """
neurosim bench
neurosim bench -- --help
"""


@click.command("bench", cls=Command, examples=EXAMPLES)
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENT...]")
def command(arguments: tuple[str, ...]) -> int:
    """Measure speed, beside the other simulators that are installed.

    Arguments after -- go to the benchmarks; `neurosim bench -- --help` lists them.
    """
    folder = published.folder("benchmarks")
    path = folder / "run.py" if folder else None
    if path is None or not path.is_file():
        raise StorageError("The benchmarks are not installed. Use a checkout of neurosim, where benchmarks/run.py lies.")
    # the benchmarks import their neighbours by name
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("neurosim_benchmarks", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.main(list(arguments)) or 0
