"""`neurosim cache`: the store of generated and compiled code, and of decoders and f-I curves."""

from __future__ import annotations

import time

import click

from neurosim.cli import Command
from neurosim.cli.output import table

EXAMPLES = """
neurosim cache
neurosim cache path
neurosim cache trim --mb 100
neurosim cache clear
"""


@click.command("cache", cls=Command, examples=EXAMPLES)
@click.argument("action", type=click.Choice(["list", "path", "trim", "clear"]), default="list")
@click.option("--mb", type=click.FloatRange(0), metavar="MB",
              help="For trim: size to be kept.  [default: NEUROSIM_CACHE_MB or 512]")
def command(action: str, mb: float | None) -> None:
    """List what the cache holds, print its folder, remove what was used longest ago (trim), or everything (clear).

    Whatever is removed is made again when it is needed.
    """
    from neurosim.codegen import store
    from neurosim.config import settings
    from neurosim.nef import files

    if mb is not None and action != "trim":
        raise click.UsageError(f"--mb belongs to trim, not to {action}.")
    if action == "path":
        click.echo(store.folder())
    elif action == "clear":
        click.echo(f"{store.clear()} structures and {files.clear()} archives of decoders removed.")
    elif action == "trim":
        if mb is not None:
            settings.cache_mb = mb
        gone = store.trim()
        files.trim()
        left = store.entries()
        click.echo(f"{gone} structures removed, {len(left)} left ({sum(e.size for e in left) / 1e6:.1f} MB).")
    else:
        entries = store.entries()
        now = time.time()
        if entries:
            table(("key", "model", "MB", "last used"),
                  [(e.key, e.title, f"{e.size / 1e6:.2f}", _ago(now - e.used)) for e in entries])
        count, size = files.total()
        click.echo(f"{len(entries)} structures, {sum(e.size for e in entries) / 1e6:.1f} MB, and {count} archives of decoders, "
                   f"{size / 1e6:.1f} MB, in {store.folder()}")


def _ago(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return "just now"
