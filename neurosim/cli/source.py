"""`neurosim source`: the code that is generated and compiled for a model."""

from __future__ import annotations

from typing import Any

import click

from neurosim import published
from neurosim.cli import Command
from neurosim.cli.names import Model, builtin, unknown
from neurosim.cli.values import read_settings

EXAMPLES = """
neurosim source HodgkinHuxley
neurosim source LIF --method euler --dtype float32
"""


@click.command("source", cls=Command, examples=EXAMPLES)
@click.argument("model", type=Model())
@click.option("--method", metavar="NAME", help="Integrator, instead of the one chosen by analysis of the equations.")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True)
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a parameter of a published model.")
def command(model: str, method: str | None, dtype: str, pairs: tuple[str, ...]) -> None:
    """Print the generated code of a built-in neuron model, under a constant current, or of a published model.

    It is Python for Numba, written to the store (`neurosim cache path`), with the equations above the lines they became.
    Populations of one structure share one file.
    """
    import neurosim as ns
    from neurosim.simulator.lower import lower

    settings = read_settings(pairs)
    if model in builtin():
        cells = ns.Population(1, builtin()[model](), name=model, parameters=settings)
        inputs = cells.model.inputs
        network = ns.Network([cells], stimuli=[ns.DC(0.0, target=cells, input=name) for name in inputs])
    elif model in published.names():
        module = published.load(model)
        network = _on_the_engine(module.build(published.parameters(module, settings)))
    else:
        raise unknown(model)
    found: dict[str, list[str]] = {}
    for group in lower(network, 0.1, 0, method, dtype == "float32", ns.__version__):
        found.setdefault(group.program.source, []).append(group.name)
    for text, names in found.items():
        if len(network.populations) > 1:
            click.echo(f"# ---- {', '.join(names)} ----")
        click.echo(text, nl=not text.endswith("\n"))


def _on_the_engine(network: Any) -> Any:
    """Return the network of populations that a network of ensembles becomes; any other as it is."""
    from neurosim.nef.network import Network

    if not isinstance(network, Network):
        return network
    from neurosim.nef.building import build
    from neurosim.nef.flatten import flatten
    from neurosim.nef.lower import SPIKING, lower

    return lower(flatten(build(network)), SPIKING).network
