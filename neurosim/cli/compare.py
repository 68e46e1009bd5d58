"""`neurosim compare`: learners side by side on the same data."""

from __future__ import annotations

import ast
import io
import logging
import os
import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from neurosim.cli import Command, Failed
from neurosim.cli.output import open_folder, table, write, write_figure
from neurosim.cli.values import read_value

EXAMPLES = """
neurosim compare digits
neurosim compare digits --learners backprop,predictive-coding --seeds 5 --split fixed --hidden 100
neurosim compare iris --learners "backprop, sklearn.svm.SVC(C=10)" --folds 5
neurosim compare measured.csv --label species --set backprop.learning_rate=0.003 --out report/
neurosim compare digits --learners all --cluster tcp://10.0.0.1:8786
"""


class Sizes(click.ParamType):
    """Sizes of layers: ``100`` or ``100,50``."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the sizes."""
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(int(part) for part in value.split(","))
        except ValueError:
            sizes = ()
        if not sizes or min(sizes) < 1:
            self.fail(f"{value!r} are no sizes. Write whole numbers with commas, such as 100,50.", param, ctx)
        return sizes


@click.command("compare", cls=Command, examples=EXAMPLES)
@click.argument("data")
@click.option("--learners", default="backprop,predictive-coding", show_default=True, metavar="NAME,...",
              help="Names of learners, 'all', or dotted paths such as sklearn.svm.SVC(C=10).")
@click.option("--seeds", type=click.IntRange(1, 10_000), default=5, show_default=True, metavar="N", help="Number of repeats.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 10_001), default=0, show_default=True, metavar="N",
              help="The first seed.")
@click.option("--split", type=click.Choice(["fresh", "fixed"]), default="fresh", show_default=True,
              help="A split for each seed, or the same for all.")
@click.option("--folds", type=click.IntRange(2), metavar="K", help="Divide the samples into K parts, each the test of one run.")
@click.option("--test-share", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.25, show_default=True,
              metavar="SHARE", help="Share of the samples for the test.")
@click.option("--epochs", type=click.IntRange(1), metavar="N",
              help="Passes over the samples.  [default: 50; up to 500 for fewer than 1500]")
@click.option("--hidden", type=Sizes(), metavar="N,...", help="Sizes of hidden layers.")
@click.option("--set", "pairs", multiple=True, metavar="[LEARNER.]NAME=VALUE", help="Set a parameter. May be repeated.")
@click.option("--scale", type=click.Choice(["standard", "unit", "none"]),
              help="Scaling of features.  [default: unit for digits, else standard]")
@click.option("--label", metavar="COLUMN", help="Where the answers are in a file: a name, or a number of a column from 1.")
@click.option("--task", type=click.Choice(["classes", "numbers"]), help="What the answers are.  [default: found out]")
@click.option("--header/--no-header", default=None, help="Whether a CSV file begins with names.  [default: found out]")
@click.option("--target", type=click.FloatRange(max=1.0), metavar="SCORE",
              help="Score whose epochs and seconds are told.  [default: 95 % of the way from chance to the best]")
@click.option("--measures", default="usual", show_default=True, metavar="NAME,...",
              help="What else is measured: cost, robustness, feedback, labels; usual is all but labels, or all, or none.")
@click.option("--plain-intervals", is_flag=True, help="Do not widen intervals for samples that runs share.")
@click.option("--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, metavar="N", help="Runs at a time.")
@click.option("--cluster", metavar="ADDRESS", help="Make the runs on a Dask cluster, such as tcp://10.0.0.1:8786.")
@click.option("--resume", is_flag=True, help="Take the finished runs of --out instead of making them again.")
@click.option("--out", type=click.Path(), metavar="DIR",
              help="Folder for figure and tables.  [default: ./neurosim-compare-DATA]")
def command(data: str, learners: str, seeds: int, seed: int, pairs: tuple[str, ...], target: float | None,
            plain_intervals: bool, jobs: int, cluster: str | None, resume: bool, out: str | None, **options: Any) -> int:
    """Compare learners on DATA, with the same splits, seeds and scaling for each.

    DATA is digits, breast-cancer, wine, iris or moons (classes), diabetes or friedman1 (numbers), or a CSV, NPZ or HDF5
    file. The others are compared with the first learner, run by run.

    Intervals (95 %) are over runs. With --split fresh or --folds they tell of new samples and are widened for samples that
    the runs share (Nadeau and Bengio 2003); with --split fixed they tell of the learners' own random numbers only.

    comparison.html, a page with everything, comparison.png, comparison.csv, curves.csv and comparison.json are written to
    --out, and each finished run to records/ there, so that --resume goes on after an interruption. The exit code is 1 if
    every run of a learner failed.
    """
    from neurosim.learning.comparing.cluster import connect
    from neurosim.learning.comparing.running import arrange, carry_out

    if cluster is not None and jobs != 1:
        raise click.UsageError("--jobs is for runs on this computer, --cluster for runs elsewhere. Leave one of them out.")
    # wrong data, unknown learners and an unreachable cluster leave no folder behind
    arranged = arrange(data, learners, seeds=range(seed, seed + seeds), settings=read_pairs(pairs), **options)
    with nullcontext() if cluster is None else connect(cluster) as client:
        # what Dask would write of lost connections, with tracebacks, is said by errors
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        folder = open_folder(out or f"neurosim-compare-{os.path.basename(data).partition('.')[0]}")
        result = carry_out(arranged, target=target, corrected=not plain_intervals, jobs=jobs, cluster=client,
                           records=folder / "records", resume=resume, command=_typed())
    _print(result)
    written = result.save(folder)
    written[:0] = _page(result, folder)
    click.echo("Written: " + ", ".join(str(p) for p in written))
    if any(row["failed"] == row["runs"] for row in result.table()):
        raise Failed(1)
    return 0


def _page(result: Any, folder: Path) -> list[Path]:
    """Write the figure and the page, which holds all figures."""
    from neurosim import plot
    from neurosim.learning.comparing.page import page
    from neurosim.plot.comparison_measures import comparison_costs, comparison_robustness

    figure = write_figure(folder / "comparison.png", plot.comparison_report(result).errors)
    shown = [("Errors on the samples for the test (a dot for each run, the mean and its interval), how they fell along "
              "learning, and the cosine of changes of weights with those of backpropagation.", figure.read_bytes())]
    names = result.measures()
    for wanted, draw, caption in (
            ("products synaptic_events", comparison_costs, "How many weights an answer reads, and how many spikes it takes."),
            ("noise_0.25", comparison_robustness, "Scores when samples are disturbed more and more; noise and steps in "
             "standard deviations of a feature.")):
        if set(wanted.split()) & set(names):
            held = io.BytesIO()
            plot.save(draw(result), held, format="png")
            shown.append((caption, held.getvalue()))
    path = write(folder / "comparison.html", lambda part: part.write_text(page(result, shown), encoding="utf-8"))
    return [path, figure]


def _typed() -> str:
    """Return the command line as it would be typed again."""
    context = click.get_current_context()
    words = ["neurosim", "compare", context.params["data"]]
    for option in context.command.params:
        given = context.params.get(option.name)
        if isinstance(option, click.Option) and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            for value in given if option.multiple else [given]:
                name = option.opts[0] if value is not False else (option.secondary_opts or option.opts)[0]
                text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
                words += [name] if option.is_flag else [name, text]
    return shlex.join(words)


def read_pairs(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return value by name from texts ``name=value`` or ``learner.name=value``; values are literals, or as `--set` of run has.

    Raises:
        click.BadParameter: for a text of another form.
    """
    found = {}
    for pair in pairs:
        # the name of a learner may have arguments, and these an equals sign
        head, bracket, rest = pair.rpartition(").")
        name, sign, text = rest.partition("=")
        if not sign or not name.strip():
            raise click.BadParameter(f"{pair!r} is not of the form name=value or learner.name=value.", param_hint="--set")
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            try:
                value = read_value(text)
            except click.BadParameter as error:
                raise click.BadParameter(f"{name.strip()}: {error.message}", param_hint="--set") from None
        found[head + bracket + name.strip()] = value
    return found


def _print(result: Any) -> None:
    from neurosim.learning.comparing.sentences import ends_text

    rows = result.table()
    factor, digits, unit = (1, 3, "R²") if result.numbers else (100, 1, "right %")
    head = ["learner", unit, "95 % interval", "to the first", "epochs", "CPU s", "epochs to target", "CPU s to target"]
    layers = [name for name in rows[0] if name.startswith("cosine_")]
    if layers:
        head.append("cosine by layer")
    head.append("")

    def number(value: float | None, form: str) -> str:
        return "" if value is None or value != value else format(value, form)

    lines = []
    for r in rows:
        between = [number(r[name], "g") and f"{r[name] * factor:+.{digits}f}" for name in ("difference_low", "difference_high")]
        other = " to ".join(between) if all(between) else ""
        notes = [f"{kind} {r[kind]} of {r['runs']}" for kind in ("failed", "diverged") if r[kind]]
        line = [r["learner"], number(r["score"] * factor, f".{digits}f"),
                ends_text(result.interval(r["learner"]), result.numbers) if r["high"] > r["low"] else "",
                f"{r['difference'] * factor:+.{digits}f} ({other})" + (" *" if r["decided"] else "") if other else "",
                number(r["epochs"], ".3g"), number(r["cpu_seconds"], ".3g"), number(r["epochs_to_target"], ".3g"),
                number(r["cpu_seconds_to_target"], ".2g")]
        if layers:
            line.append(" ".join(number(r[name], ".2f") or "-" for name in layers if r[name] is not None))
        lines.append([*line, ", ".join(notes)])
    # columns that say nothing are left out
    used = [k for k in range(len(head)) if k < 2 or any(line[k] for line in lines)]
    table([head[k] for k in used], [[line[k] for k in used] for line in lines])
    if any(r["decided"] for r in rows):
        click.echo("* decided: the interval of the difference does not hold 0.")
    click.echo(f"\n{result.summary()}\n")
