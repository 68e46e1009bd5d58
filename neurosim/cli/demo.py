"""`neurosim demo`: five figures, and what was measured beside what is known."""

from __future__ import annotations

import time

import click

from neurosim.cli import Command, Failed
from neurosim.cli.output import comparison, open_folder, write_figure

EXAMPLES = """
neurosim demo
neurosim demo --out figures/
"""


@click.command("demo", cls=Command, examples=EXAMPLES)
@click.option("--out", type=click.Path(), default="neurosim-demo", show_default="./neurosim-demo", metavar="DIR",
              help="Folder of the figures.")
def command(out: str) -> None:
    """Make figures of what neurosim does and compare its numbers with published ones.

    The first time, models are compiled (some seconds each); what was compiled is kept for the next time. The exit code
    is 1 if a number is not met.
    """
    folder = open_folder(out)
    from neurosim.cli.demo_figures import FIGURES

    began, rows = time.perf_counter(), []
    for name, make in FIGURES.items():
        started = time.perf_counter()
        figure, found = make()
        path = write_figure(folder / f"{name}.png", figure)
        rows += found
        click.echo(f"{make.__doc__.splitlines()[0].rstrip('.'):68} {time.perf_counter() - started:5.1f} s   {path}")
    click.echo()
    good = comparison(rows)
    click.echo(f"\n{len(FIGURES)} figures in {folder} after {time.perf_counter() - began:.1f} s.")
    if not good:
        raise Failed(1)
