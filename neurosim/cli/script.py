"""Run a user's script as if Python had been given it, with a working folder of its own."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from pathlib import Path

import click

from neurosim.cli.output import open_folder
from neurosim.errors import NeurosimError, StorageError


def run_script(path: str, arguments: tuple[str, ...], out: str | None) -> int:
    """Run the script as ``__main__``, in the folder `out` if one is given; return its exit code.

    Raises:
        StorageError: if there is no such file.
    """
    script = Path(path).expanduser().absolute()
    if not script.is_file():
        raise StorageError(f"There is no script {script}.")
    if out is not None:
        os.chdir(open_folder(out))
    before = sys.argv, sys.path[0]
    sys.argv, sys.path[0] = [str(script), *arguments], str(script.parent)
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as stop:
        return _exit_code(stop)
    except NeurosimError as error:
        place = _place(error, script)
        if place:
            error.add_note(place)
        raise
    except KeyboardInterrupt:
        raise
    except Exception as error:
        # frames of this module and of runpy would hide where the script went wrong
        frames = traceback.TracebackException.from_exception(error)
        own = [k for k, frame in enumerate(frames.stack) if frame.filename == str(script)]
        if own:
            del frames.stack[:own[0]]
        click.echo("".join(frames.format()), err=True, nl=False)
        return 1
    finally:
        sys.argv, sys.path[0] = before
    return 0


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    click.echo(str(stop.code), err=True)
    return 1


def _place(error: BaseException, script: Path) -> str:
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(script)]
    return f"(line {own[-1].lineno} of {script.name}: {own[-1].line})" if own else ""
