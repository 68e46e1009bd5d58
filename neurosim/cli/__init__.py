"""The command `neurosim`: `main` is its entry; each command is a module that is imported when it is asked for.

Exit codes: 0 done, 1 an error of the run or a published number that was not met, 2 wrong usage, 130 Ctrl-C.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from neurosim import __version__
from neurosim.errors import NeurosimError, nearest

#: what the help says of each command, in its order
SUMMARIES = {
    "demo": "Make figures of what neurosim does; compare with published numbers.",
    "run": "Run a published model, a built-in neuron model or a script.",
    "compare": "Compare learners on data: scores, curves, time, nearness to backprop.",
    "models": "List built-in and published models, or describe one.",
    "source": "Print the code that is generated for a model.",
    "info": "Show versions, processor, cache and settings.",
    "cache": "List, trim or clear the cache of compiled code.",
    "bench": "Measure speed, beside the other simulators installed.",
    "completion": "Print the script that makes a shell complete commands.",
}
COMMANDS = tuple(SUMMARIES)
INTERRUPTED = 130


class Failed(click.ClickException):
    """Ends the command with exit code 1 after its message was printed; `code` may be another."""

    def __init__(self, code: int = 1):
        super().__init__("")
        self.exit_code = code

    def show(self, file: Any = None) -> None:
        """Print nothing: what is to be said has been said."""


class Commands(click.Group):
    """The group of all commands, with one way to report errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None."""
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"neurosim.cli.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        """Return the command that the arguments name; the error for an unknown one offers the nearest."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            ctx.fail(f"There is no command {name!r}.{nearest(name, COMMANDS)} Commands: {', '.join(COMMANDS)}.")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command line; errors of neurosim become one message on standard error."""
        extra["standalone_mode"] = False
        extra.setdefault("prog_name", "neurosim")
        sys.exit(_guarded(super().main, args, extra))


def _guarded(run: Any, args: tuple, extra: dict) -> int:
    given = extra.get("args") or (args[0] if args else None) or sys.argv[1:]
    debug = "--debug" in given
    _short_warnings()
    try:
        code = run(*args, **extra)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # the reader (head, less) has gone: nothing is left to be told, not even at exit
        sys.stdout = None
        return 1
    except (NeurosimError, OSError, MemoryError) as error:
        if debug:
            raise
        click.echo(f"Error: {message(error)}", err=True)
        return 1


def message(error: BaseException) -> str:
    """Return the text of an error with its notes; for an error of the system also the file."""
    text = str(error)
    if isinstance(error, OSError) and not isinstance(error, NeurosimError):
        text = f"{error.filename}: {error.strerror}." if error.filename else error.strerror or text
    elif isinstance(error, MemoryError):
        text = "Not enough memory. Record fewer neurons or less often, or make the run shorter."
    return " ".join([text, *getattr(error, "__notes__", ())])


def _short_warnings() -> None:
    import warnings

    from neurosim.errors import NeurosimWarning

    usual = warnings.showwarning

    def show(text, category, filename, lineno, file=None, line=None):
        if isinstance(category, type) and issubclass(category, NeurosimWarning) and file is None:
            click.echo(f"Warning: {str(text).strip()}", err=True)
        else:
            usual(text, category, filename, lineno, file, line)

    warnings.showwarning = show


class Command(click.Command):
    """A command whose help ends with examples as they are written, and which knows --debug."""

    def __init__(self, *args: Any, examples: str = "", **extra: Any):
        super().__init__(*args, **extra)
        self.examples = examples
        self.params.append(click.Option(["--debug"], is_flag=True, expose_value=False,
                                        help="Show the traceback of an error."))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, line by line."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.strip().splitlines():
                    formatter.write(f"  {line.strip()}\n")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", message="neurosim %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def main() -> None:
    """Simulate spiking neurons at compiled speed.

    `neurosim demo` makes figures that show what it does; `neurosim COMMAND --help` tells about a command.
    """
