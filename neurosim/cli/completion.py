"""`neurosim completion`: what the shell needs to complete commands, options and names of models."""

from __future__ import annotations

import click

from neurosim.cli import Command

EXAMPLES = """
neurosim completion bash >> ~/.bashrc
neurosim completion zsh >> ~/.zshrc
neurosim completion fish > ~/.config/fish/completions/neurosim.fish
"""


@click.command("completion", cls=Command, examples=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that makes SHELL complete commands, options and names of models."""
    from click.shell_completion import get_completion_class

    from neurosim.cli import main

    kind = get_completion_class(shell)
    complete = kind(main, {}, "neurosim", "_NEUROSIM_COMPLETE")
    # source() would first ask the installed bash for its version, and fail where there is none
    click.echo(complete.source_template % complete.source_vars())
