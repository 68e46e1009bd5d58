"""The command line: values, errors, exit codes, files."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import h5py
import pytest
from click.testing import CliRunner
from test_published import models  # noqa: F401  (a fixture)

from neurosim.cli import COMMANDS, main
from neurosim.cli.output import open_folder, table, write, write_json
from neurosim.cli.values import MS, read_settings, read_value
from neurosim.config import settings
from neurosim.errors import StorageError


def invoke(*arguments: str):
    """Run a command line in this process."""
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("text, value", [
    ("3", 3), ("-3", -3), ("1e3", 1000.0), (".5", 0.5), ("true", True), ("Off", False), ("1,2.5", [1, 2.5]),
    ("1,", [1]), ("10 ms", "10 ms"), ("rk4", "rk4"), (" 7 ", 7), ("1_000", 1000),
])
def test_values_are_read(text, value):
    found = read_value(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("text", ["", "1,a", "1,true", "3 parsecs", "3**2", "2*3"])
def test_unreadable_values(text):
    import click

    with pytest.raises(click.BadParameter):
        read_value(text)


def test_text_is_never_executed():
    assert read_value("__import__('os').getcwd()") == "__import__('os').getcwd()"


def test_settings_last_one_counts():
    assert read_settings(("a=1", "b=x", "a=2")) == {"a": 2, "b": "x"}


@pytest.mark.parametrize("text, value", [("5", 5.0), ("2 s", 2000.0), ("1e3", 1000.0)])
def test_times(text, value):
    assert MS.convert(text, None, None) == value


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "3 mV", "long"])
def test_wrong_times_are_wrong_usage(text):
    assert invoke("run", "LIF", f"--duration={text}").exit_code == 2


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples(command):
    result = invoke(*command.split(), "--help")
    assert result.exit_code == 0
    assert not command or "Examples:" in result.output and f"neurosim {command}" in result.output


@pytest.mark.parametrize("arguments, words", [
    (("rum",), "no command 'rum'. Did you mean 'run'"),
    (("run",), "Missing argument"),
    (("run", "LIF", "--seed", "x"), "--seed"),
    (("run", "LIF", "--threads", "0"), "--threads"),
    (("run", "LIF", "--set", "tau_m"), "not of the form name=value"),
    (("run", "LIF", "--set", "tau_m="), "empty"),
    (("run", "LIF", "extra"), "only a script takes arguments"),
    (("run", "script.py", "--seed", "3"), "cannot be used with a script"),
    (("cache", "clear", "--mb", "3"), "--mb belongs to trim"),
    (("completion", "tcsh"), "tcsh"),
])
def test_wrong_usage_is_2(arguments, words):
    result = invoke(*arguments)
    assert result.exit_code == 2 and words in result.output and "Traceback" not in result.output


@pytest.mark.parametrize("arguments, words", [
    (("run", "lff"), "no model 'lff'. Did you mean 'LIF'"),
    (("run", "LIF", "--set", "curent=1"), "no parameter 'curent'. Did you mean 'current'"),
    (("run", "LIF", "--set", "current=2 V"), "nA (a current) is needed"),
    (("run", "LIF", "--set", "tau_m=1,2", "--set", "current=1,2,3"), "equal length"),
    (("run", "LIF", "--set", "tau_m=-1"), "positive"),
    (("run", "nothing.py"), "no script"),
    (("source", "lff"), "Did you mean 'LIF'"),
    (("source", "LIF", "--method", "rk5"), "Did you mean 'rk4'"),
    (("models", "HodgkinHuxly"), "Did you mean 'HodgkinHuxley'"),
])
def test_errors_are_1_and_one_message(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 1 and words in result.output and result.output.startswith("Error: ")
    assert "Traceback" not in result.output and not list(tmp_path.iterdir())


def test_debug_shows_the_traceback():
    from neurosim.errors import ParameterError

    assert isinstance(invoke("run", "lff", "--debug").exception, ParameterError)


def test_run_one_neuron_writes_its_files(tmp_path):
    result = invoke("run", "LIF", "--set", "current=1,2", "--set", "tau_m=0.02 s", "--duration", "100", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["LIF.h5", "LIF.json", "LIF.png"]
    numbers = json.loads((tmp_path / "LIF.json").read_text())
    # 10 MOhm times 1 nA stay below the 15 mV to threshold; 2 nA fire every 2 + 20 ln 4 = 29.73 ms
    assert numbers["spikes"] == [0, 3] and numbers["current"] == [1.0, 2.0]
    with h5py.File(tmp_path / "LIF.h5") as file:
        assert file["run/spikes/LIF/times"][:] == pytest.approx([27.8, 57.6, 87.4])
        assert file["run/traces/v/values"].shape == (1000, 2)
        assert file["run/traces/v"].attrs["unit"] == "mV"


def test_run_of_a_model_without_states_and_one_without_threshold(tmp_path):
    for name in ("Poisson", "Graded"):
        assert invoke("run", name, "--duration", "50", "--out", str(tmp_path)).exit_code == 0
        assert (tmp_path / f"{name}.png").stat().st_size > 1000


def test_published_model_is_compared(models, tmp_path):  # noqa: F811
    result = invoke("run", "author_1999", "--seed", "4", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "2 of 2 published numbers met" in result.output and "A. Author (1999)" in result.output
    numbers = json.loads((tmp_path / "out" / "author_1999.json").read_text())
    assert numbers["measured"] == {"double": 20.0, "never": 1.0, "extra": 4.0} and numbers["as_published"]
    with h5py.File(tmp_path / "out" / "author_1999.h5") as file:
        assert list(file) == ["x"]
    assert (tmp_path / "out" / "author_1999.png").exists()


def test_missed_number_fails_with_the_paper_s_parameters_only(models, tmp_path):  # noqa: F811
    other = invoke("run", "author_1999", "--set", "v=11", "--out", str(tmp_path))
    assert other.exit_code == 0 and "DIFFERS" in other.output and "differences are no fault" in other.output
    text = (models / "author_1999.py").read_text().replace("v: float = 10.0", "v: float = 11.0")
    (models / "author_1999.py").write_text(text)
    for name in [n for n in sys.modules if n.startswith("neurosim.models")]:
        del sys.modules[name]
    own = invoke("run", "author_1999", "--out", str(tmp_path))
    assert own.exit_code == 1 and "1 of 2 published numbers met" in own.output


def test_published_model_refuses_before_the_run(models, tmp_path):  # noqa: F811
    result = invoke("run", "author_1999", "--set", "vv=1", "--out", str(tmp_path / "out"))
    assert result.exit_code == 1 and "Did you mean 'v'" in result.output and not (tmp_path / "out").exists()
    result = invoke("run", "author_1999", "--dt", "0.1")
    assert result.exit_code == 1 and "no parameter 'dt'" in result.output


def test_models_lists_all_even_with_a_damaged_one(models):  # noqa: F811
    result = invoke("models")
    assert result.exit_code == 0
    for words in ("HodgkinHuxley", "uA/cm2", "A. Author (1999)", "cannot be loaded"):
        assert words in result.output


def test_models_describes(models):  # noqa: F811
    assert "tau_m dv/dt" in invoke("models", "LIF").output
    assert "Table 1" in invoke("models", "author_1999").output


def test_source_is_python(models):  # noqa: F811
    import ast

    for arguments in (("LIF",), ("LIF", "--dtype", "float32", "--method", "euler"), ("author_1999",)):
        result = invoke("source", *arguments)
        assert result.exit_code == 0 and "dv/dt" in result.output
        ast.parse(result.output)


def test_info_names_versions_and_processor():
    output = invoke("info").output
    for words in ("numba", "llvmlite", "processor", "cache size", "compiling"):
        assert words in output


def test_cache_commands(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "cache_dir", tmp_path / "store")
    # `trim --mb` sets it for the process
    monkeypatch.setattr(settings, "cache_mb", settings.cache_mb)
    assert invoke("cache", "path").output.strip() == str(tmp_path / "store")
    (tmp_path / "store" / "n0123.py").write_text('"""old: compiled step."""\n')
    assert "0123" in invoke("cache").output and "old" in invoke("cache", "list").output
    assert "1 structures removed, 0 left" in invoke("cache", "trim", "--mb", "0").output
    (tmp_path / "store" / "n0123.py").write_text('"""old: compiled step."""\n')
    assert "1 structures and 0 archives of decoders removed" in invoke("cache", "clear").output
    assert not list((tmp_path / "store").glob("*.py"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    result = invoke("completion", shell)
    assert result.exit_code == 0 and "_NEUROSIM_COMPLETE" in result.output


def test_completion_offers_models():
    from neurosim.cli.names import Model

    assert [item.value for item in Model().shell_complete(None, None, "Hodg")] == ["HodgkinHuxley"]


@pytest.fixture
def script(tmp_path):
    """A script that fails in the way its first argument names."""
    path = tmp_path / "script.py"
    path.write_text("import sys\nimport neurosim as ns\nopen('seen.txt', 'w').write(' '.join(sys.argv[1:]) + __name__)\n"
                    "if 'model' in sys.argv:\n    ns.LIF(taum=3)\nif 'code' in sys.argv:\n    sys.exit(5)\n"
                    "if 'zero' in sys.argv:\n    1/0\nif 'stop' in sys.argv:\n    raise KeyboardInterrupt\n")
    return path


@pytest.mark.parametrize("argument, code, words", [
    ("fine", 0, ""), ("code", 5, ""), ("stop", 130, "Interrupted"),
    ("model", 1, "Did you mean 'tau_m'?"), ("model", 1, "(line 5 of script.py"), ("zero", 1, "ZeroDivisionError"),
])
def test_scripts(script, tmp_path, monkeypatch, argument, code, words):
    monkeypatch.chdir(tmp_path)
    result = invoke("run", str(script), "--out", str(tmp_path / "out"), "--", argument)
    assert result.exit_code == code and words in result.output
    assert (tmp_path / "out" / "seen.txt").read_text() == f"{argument}__main__"
    assert "runpy" not in result.output


def test_folders_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file"):
        open_folder(tmp_path / "file")
    with pytest.raises(StorageError, match="cannot be written"):
        open_folder(tmp_path / "file" / "below")


def test_full_disk_is_told_before_the_run(tmp_path, monkeypatch):
    import shutil
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1e12, 1e12, 1e6))
    result = invoke("run", "LIF", "--out", str(tmp_path))
    assert result.exit_code == 1 and "1.0 MB left" in result.output and not list(tmp_path.iterdir())


def test_files_are_whole_or_absent(tmp_path):
    def broken(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "a.json").write_text("before")
    with pytest.raises(StorageError, match="No space left on device"):
        write(tmp_path / "a.json", broken)
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"] and (tmp_path / "a.json").read_text() == "before"


def test_json_has_no_nan(tmp_path):
    import numpy as np

    path = write_json(tmp_path / "a.json", {"x": np.array([1.0, np.nan]), "y": np.inf, "z": np.float32(2), "n": None})
    assert json.loads(path.read_text()) == {"x": [1.0, None], "y": None, "z": 2.0, "n": None}


def test_table_aligns_numbers_to_the_right(capsys):
    table(("name", "value"), [("a", "1"), ("long", "10")])
    assert capsys.readouterr().out.splitlines() == ["name  value", "----  -----", "a         1", "long     10"]


def _python(*arguments: str, **extra) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, **extra)


def test_help_imports_nothing_heavy():
    code = ("import sys\nfrom neurosim.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
            "print(sorted({m.split('.')[0] for m in sys.modules} & {'numba', 'matplotlib', 'scipy', 'h5py', 'rich'}))")
    assert _python("-c", code).stdout.splitlines()[-1] == "[]"


def test_module_is_the_command(tmp_path):
    found = _python("-m", "neurosim", "rum", cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert found.returncode == 2 and found.stderr.startswith("Usage: neurosim ")


def test_closed_pipe_is_silent():
    done = subprocess.run(f"{sys.executable} -m neurosim models LIF | head -1", shell=True, capture_output=True, text=True,
                          timeout=120)
    assert done.stdout == "LIF\n" and "Traceback" not in done.stderr and "Exception" not in done.stderr
