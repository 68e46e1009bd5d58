"""Every example runs as it stands and leaves a figure behind; the demo does too, and its numbers are met."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
#: the first bytes of every PNG file
PNG = b"\x89PNG\r\n\x1a\n"


def _run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    # without a display and without a setting of Matplotlib's, as on a server
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "MPLBACKEND")}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    return subprocess.run([sys.executable, "-W", "error", *arguments], cwd=cwd, env=env, capture_output=True, text=True,
                          timeout=300)


def test_there_are_examples():
    assert len(EXAMPLES) >= 10


#: a quarter of a minute or more each with nothing compiled
LONG = {"brunel_balance", "inhibitory_plasticity", "pair_kmeans", "pair_pca", "pair_regression", "pair_reinforcement"}


@pytest.mark.parametrize("script", [pytest.param(p, marks=pytest.mark.slow) if p.stem in LONG else p for p in EXAMPLES],
                         ids=lambda p: p.stem)
def test_example(script, tmp_path):
    done = _run(str(script), "figure.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "figure.png").read_bytes().startswith(PNG)
    assert (tmp_path / "figure.png").stat().st_size > 10_000, "the figure is empty"
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda p: p.stem)
def test_example_is_short_and_says_what_it_is(script):
    text = script.read_text(encoding="utf-8")
    assert text.startswith('"""') and len(text.splitlines()) <= 45
    assert "pyplot" not in text


def test_demo(tmp_path):
    done = _run("-m", "neurosim", "demo", "--out", "figures", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = sorted((tmp_path / "figures").iterdir())
    assert len(figures) == 5 and all(p.read_bytes().startswith(PNG) for p in figures)
    assert "DIFFERS" not in done.stdout and done.stdout.count(" ok") == 8


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md", "docs/learning.md", "docs/spiking.md"])
def test_code_in_the_documentation_runs(page, tmp_path):
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    (tmp_path / "page.py").write_text("\n".join(blocks), encoding="utf-8")
    done = _run("page.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/guide.md", "docs/learning.md", "docs/spiking.md",
                                  "docs/architecture.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"
