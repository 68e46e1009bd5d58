"""`neurosim models`: what can be run by name."""

from __future__ import annotations

import click

from neurosim import published
from neurosim.cli import Command
from neurosim.cli.names import Model, builtin, unknown
from neurosim.cli.output import table

EXAMPLES = """
neurosim models
neurosim models HodgkinHuxley
"""


@click.command("models", cls=Command, examples=EXAMPLES)
@click.argument("model", required=False, type=Model())
def command(model: str | None) -> None:
    """List built-in neuron models and published models, or describe one with its parameters."""
    if model is None:
        _list()
    elif model in builtin():
        _describe_builtin(builtin()[model]())
    elif model in published.names():
        _describe_published(model)
    else:
        raise unknown(model)


def _list() -> None:
    rows = []
    for name, make in builtin().items():
        model = make()
        rows.append((name, ", ".join(model.state_names), ", ".join(f"{i} ({model.units.get(i) or '1'})" for i in model.inputs),
                     _first_line(model.doc or make.__doc__)))
    click.echo("Built-in neuron models\n")
    table(("name", "states", "inputs", "what it is"), rows)
    click.echo("\nPublished models\n")
    rows = []
    for name in published.names():
        try:
            reference = published.load(name).REFERENCE
            rows.append((name, reference.citation + (f" doi:{reference.doi}" if reference.doi else "")))
        except Exception as error:
            # one damaged module must not hide the others
            rows.append((name, f"cannot be loaded: {error}"))
    if rows:
        table(("name", "citation"), rows)
    else:
        click.echo("(none)")


def _first_line(text: str | None) -> str:
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")


def _describe_builtin(model) -> None:
    # what the function takes and raises says nothing on the command line
    parts = [p for p in _flush(model.doc).split("\n\n") if not p.startswith(("Args:", "Raises:"))]
    click.echo(f"{model.name}\n\n" + "\n\n".join(parts) + "\n")
    for part in (*model.derived, *model.states):
        click.echo(f"    {part.text}")
    click.echo()
    rows = [(n, "parameter", _shown(v), model.units.get(n) or "1") for n, v in model.parameters.items()]
    rows += [(n, "initial value", _shown(v), model.units.get(n) or "1") for n, v in model.initial.items()]
    rows += [(n, "input", "", model.units.get(n) or "1") for n in model.inputs]
    table(("name", "what", "value", "unit"), rows)


def _flush(text: str) -> str:
    import inspect

    return inspect.cleandoc(text or "")


def _shown(value) -> str:
    from neurosim.model.expression import Node, show

    if isinstance(value, Node):
        return show(value)
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _describe_published(name: str) -> None:
    import dataclasses

    module = published.load(name)
    reference = module.REFERENCE
    click.echo(f"{name}\n\n{_flush(module.__doc__)}\n\n{reference.citation}"
               + (f"\ndoi:{reference.doi}" if reference.doi else "") + "\n")
    default = module.Parameters()
    table(("parameter", "value"), [(f.name, repr(getattr(default, f.name))) for f in dataclasses.fields(default)])
    click.echo()
    table(("published number", "value", "tolerance", "unit", "where"),
          [(n, f"{v.value:g}", f"±{v.tolerance:.3g}", v.unit, v.note) for n, v in reference.numbers.items()])
