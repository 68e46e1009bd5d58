"""Run a published model, compare, and write figure, numbers and recordings."""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from neurosim import __version__, published
from neurosim.cli import output
from neurosim.errors import NumericalWarning


def run_published(name: str, module: ModuleType, parameters: Any, folder: Path, *, duration: float | None, seed: int,
                  threads: int) -> bool:
    """Run one published model and write its files; return False if a published number was missed.

    With other parameters or another duration than the paper's the numbers are shown, but decide nothing.
    """
    reference = module.REFERENCE
    click.echo(reference.citation + (f"  doi:{reference.doi}" if reference.doi else ""))
    own = parameters == module.Parameters() and duration is None
    began = time.perf_counter()
    with warnings.catch_warnings():
        # half an experiment has no numbers to compare
        warnings.filterwarnings("error", ".*interrupted by Ctrl-C", NumericalWarning)
        try:
            outcome = module.run(parameters, duration=duration, seed=seed, threads=threads)
        except NumericalWarning:
            raise KeyboardInterrupt from None
    took = time.perf_counter() - began
    rows = published.check(outcome, reference)
    good = _report(rows, outcome, own)
    figure = output.write_figure(folder / f"{name}.png", module.figure(outcome))
    numbers = output.write_json(folder / f"{name}.json", {
        "model": name, "citation": reference.citation, "doi": reference.doi, "neurosim": __version__,
        "parameters": asdict(parameters), "duration": duration, "seed": seed, "seconds": round(took, 3),
        "measured": dict(outcome.measured), "comparison": [asdict(row) for row in rows], "as_published": own})
    recordings = output.write_recordings(folder / f"{name}.h5", outcome.results)
    click.echo(f"{took:.1f} s. Written: " + ", ".join(str(p) for p in (figure, numbers, recordings) if p))
    return good or not own


def _report(rows: list, outcome: Any, own: bool) -> bool:
    if not own:
        # part of an experiment measures part of the numbers
        rows = [row for row in rows if row.name in outcome.measured]
    good = output.comparison(rows) if rows else True
    others = [(n, f"{v:.6g}") for n, v in outcome.measured.items() if n not in {r.name for r in rows}]
    if others:
        click.echo()
        output.table(("also measured", "value"), others)
    if rows and not own:
        click.echo("These are not the parameters or the duration of the paper: differences are no fault.")
    elif rows:
        click.echo(f"{sum(r.ok for r in rows)} of {len(rows)} published numbers met.")
    return good
