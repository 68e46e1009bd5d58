"""What a comparison shows: the command `neurosim compare`, and its figure."""

from __future__ import annotations

import csv
import json
import re

import matplotlib
import numpy as np
import pytest
from click.testing import CliRunner
from comparing import Stepwise, known_data
from sklearn.dummy import DummyClassifier

from neurosim import learning, plot
from neurosim.cli import main
from neurosim.cli.compare import read_pairs
from neurosim.errors import ParameterError
from neurosim.learning.comparing.measured_sentences import some
from neurosim.learning.comparing.sentences import seconds_text


def invoke(*arguments):
    """Run a command line in this process."""
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


# the command


def test_command_writes_its_files_and_resumes(tmp_path):
    out = tmp_path / "report"
    arguments = ["iris", "--learners", "backprop,predictive-coding,sklearn.svm.SVC(C=10)", "--seeds", 2, "--seed", 5,
                 "--out", out, "--epochs", 3, "--hidden", "8", "--set", "backprop.learning_rate=0.01", "--set", "batch_size=16",
                 "--split", "fixed"]
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    names = ["comparison.csv", "comparison.html", "comparison.json", "comparison.png", "curves.csv", "records"]
    assert sorted(p.name for p in out.iterdir()) == names
    assert (out / "comparison.png").stat().st_size > 20_000 and len(list((out / "records").iterdir())) == 6
    whole = json.loads((out / "comparison.json").read_text())
    assert whole["plan"]["seeds"] == [5, 6] and whole["plan"]["overlap"] == 0
    assert whole["command"].startswith("neurosim compare iris --learners 'backprop,") and "--hidden 8" in whole["command"]
    own = whole["learners"]["backprop"]
    assert (own["parameters"]["learning_rate"], own["parameters"]["batch_size"], own["epochs"]) == ("0.01", "16", 3)
    assert [row["learner"] for row in csv.DictReader(open(out / "comparison.csv"))] == ["backprop", "predictive-coding", "SVC"]
    for words in ("learner", "right %", "cosine by layer", "2 seeds on the same split", "Written: "):
        assert words in result.output
    assert "comparing" not in result.output
    seconds = [r["cpu_seconds"] for r in whole["records"]]
    again = invoke(*arguments, "--resume")
    assert again.exit_code == 0, again.output
    assert [r["cpu_seconds"] for r in json.loads((out / "comparison.json").read_text())["records"]] == seconds


def test_command_with_a_file_of_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    np.savetxt("own.data.csv", np.c_[x, x @ [1, 2]], delimiter=";", header="a;b;c", comments="")
    result = invoke("own.data.csv", "--learners", "sklearn.linear_model.LinearRegression, sklearn.dummy.DummyRegressor",
                    "--folds", 3, "--seeds", 1, "--label", "c", "--plain-intervals")
    assert result.exit_code == 0, result.output
    assert re.search(r"LinearRegression +1\.000 ", result.output) and "3 folds with one seed" in result.output
    assert json.loads((tmp_path / "neurosim-compare-own/comparison.json").read_text())["plan"]["overlap"] == 0


@pytest.mark.parametrize("arguments, code, words", [
    (["digit"], 1, "no data 'digit'. Did you mean 'digits'"),
    (["no.csv"], 1, "There is no file 'no.csv'"),
    (["iris", "--learners", "backpro"], 1, "no learner 'backpro'. Did you mean 'backprop'"),
    (["iris", "--set", "backprop.rat=1"], 1, "backprop has no parameter 'rat'"),
    (["iris", "--folds", "60"], 1, "class 'setosa' has 50 samples; 60 are needed"),
    (["iris", "--set", "backprop"], 2, "not of the form"),
    (["iris", "--set", "a="], 2, "empty"),
    (["iris", "--hidden", "3,x"], 2, "no sizes"),
    (["iris", "--hidden", "0"], 2, "no sizes"),
    (["iris", "--seeds", "0"], 2, "--seeds"),
    ([], 2, "Missing argument"),
])
def test_wrong_commands_leave_nothing_behind(arguments, code, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == code and words in result.output and "Traceback" not in result.output, result.output
    assert not list(tmp_path.iterdir())


def test_a_learner_that_always_fails_is_exit_code_1(tmp_path):
    learners = "sklearn.dummy.DummyClassifier, sklearn.svm.SVC(C=-1)"
    result = invoke("iris", "--learners", learners, "--seeds", 2, "--out", tmp_path)
    assert result.exit_code == 1 and "failed 2 of 2" in result.output
    assert "SVC failed in 2 of 2 runs: InvalidParameter" in result.output
    assert (tmp_path / "comparison.png").exists()


def test_pairs():
    pairs = ("a=1", "b.c=(1, 2)", "m.SVC(C=10).gamma='auto'", "x-y.z=adam", "n=None", "q=1e-3", "r=true", "t=3,4")
    assert read_pairs(pairs) == {"a": 1, "b.c": (1, 2), "m.SVC(C=10).gamma": "auto", "x-y.z": "adam", "n": None, "q": 1e-3,
                                 "r": True, "t": (3, 4)}


# the figure


@pytest.fixture(scope="module")
def found():
    learners = {"even": Stepwise(step=1, cosine=1.0), "slow": Stepwise(step=0.5, cosine=0.5), "broken": Stepwise(fails=1),
                "most": DummyClassifier()}
    return learning.compare(known_data(), learners, seeds=3, epochs=3)


def test_errors_show_every_run(found):
    ax = plot.comparison_errors(found)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["even", "slow", "broken", "most"]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose([line.get_xdata() for line in dots], [[25] * 3, [50] * 3, [75] * 3])
    means = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "D"]
    np.testing.assert_allclose(means, [25, 50, 75])
    assert "no run came to its end" in [t.get_text() for t in ax.texts] and ax.get_xlabel() == "Test error (%)"
    assert [t.get_text() for t in plot.comparison_errors(found, learners=["slow"]).get_yticklabels()] == ["slow"]


def test_learning_curves(found):
    ax = plot.learning_curves(found)
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_allclose(lines["even"].get_xydata(), [[1, 75], [2, 50], [3, 25]])
    np.testing.assert_allclose(lines["slow"].get_xydata(), [[1, 75], [2, 75], [3, 50]])
    np.testing.assert_allclose(lines["most"].get_ydata(), 75)
    assert "broken" not in lines and ax.get_xlabel() == "Epoch"
    timed = plot.learning_curves(found, against="seconds", learners=["even"])
    np.testing.assert_array_equal(timed.lines[0].get_xdata(), found.curve("even").cpu_seconds)
    assert timed.get_xlabel() == "CPU time of learning (s)"
    with pytest.raises(ParameterError, match="'epochs' or 'seconds'"):
        plot.learning_curves(found, against="steps")
    with pytest.raises(ParameterError, match="No learner"):
        plot.learning_curves(found, learners=["nobody"])


def test_cosines(found):
    ax = plot.backprop_cosines(found, "slow")
    np.testing.assert_allclose([line.get_ydata() for line in ax.lines[:2]], [[0.5] * 3, [1.0] * 3])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["layer 1", "layer 2"]
    with pytest.raises(ParameterError, match="cannot be compared"):
        plot.backprop_cosines(found, "most")


def overlaps(ax):
    """Return the texts of a figure that lie over each other or outside of it."""
    figure = ax.figure
    figure.canvas.draw()
    texts = [t for legend in figure.legends for t in legend.get_texts()]
    for a in figure.axes:
        texts += [*a.texts, a.xaxis.label, a.yaxis.label, a.title, a._left_title]
        for axis in (a.xaxis, a.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [tick.label1 for tick in axis.get_major_ticks() + axis.get_minor_ticks() if low <= tick.get_loc() <= high]
    boxes = [(t.get_text(), t.get_window_extent().padded(-1)) for t in texts if t.get_text() and t.get_visible()]
    whole = figure.bbox.padded(1)
    outside = [name for name, b in boxes if b.x0 < whole.x0 or b.x1 > whole.x1 or b.y0 < whole.y0 or b.y1 > whole.y1]
    return outside + [(name, other) for k, (name, a) in enumerate(boxes) for other, b in boxes[:k] if a.overlaps(b)]


@pytest.mark.parametrize("n, epochs", [(1, 3), (2, 1), (12, 3)])
def test_report_holds_from_1_to_12_learners(n, epochs):
    learners = {f"direct-feedback-alignment {k}": Stepwise(step=0.2 + 0.06 * k, cosine=1 - 0.1 * (k % 7)) for k in range(n)}
    found = learning.compare(known_data(), learners, seeds=2, epochs=epochs)
    with matplotlib.rc_context(plot.rc()):
        axes = plot.comparison_report(found)
        assert overlaps(axes.errors) == []
    assert len(axes.cosines) == sum(k % 7 > 0 for k in range(n))
    if n > 8:
        # each learner has a panel, beside the first one, dotted
        assert axes.seconds is None and len(axes.each) == n and [len(ax.lines) for ax in axes.each] == [2] + [3] * (n - 1)
        assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes.each}) == 1
    else:
        assert len(axes.errors.figure.legends[0].get_texts()) == n and not axes.each


def test_report_without_epochs_or_results():
    found = learning.compare(known_data(), [DummyClassifier()], seeds=1)
    axes = plot.comparison_report(found)
    assert axes.epochs is None and not axes.cosines and overlaps(axes.errors) == []
    broken = plot.comparison_report(learning.compare(known_data(), [Stepwise(fails=1)], seeds=1))
    assert overlaps(broken.errors) == []
    numbers = learning.compare("friedman1", "sklearn.linear_model.Ridge, sklearn.dummy.DummyRegressor", seeds=2)
    axes = plot.comparison_report(numbers)
    assert axes.errors.get_xlabel() == "Test error 1 − R²" and overlaps(axes.errors) == []


@pytest.fixture(scope="module")
def many():
    """Twelve learners with scores 0.99, 0.97, ... in each of two runs, costs and robustness known beforehand."""
    records = []
    for k in range(12):
        name, right = f"learner {k:02d}", 0.99 - 0.02 * k
        curve = {"epoch": [1, 2], "test": [right / 2, right], "train": [0.5, 1.0],
                 "cpu_seconds": [0.1 * (k + 1), 0.2 * (k + 1)],
                 "wall_seconds": [1.0, 2.0], "cosines": [[0.1, 1.0], [1 - 0.05 * k, 1.0]]}
        measured = {"products": 10.0 * (k + 1), "noise_0.5": right - 0.1, "noise_1": right - 0.3}
        records += [{"learner": name, "seed": seed, "fold": None, "score": right + 0.002 * seed, "train_score": 1.0,
                     "failed": None, "diverged": None, "epochs": 2, "cpu_seconds": 0.2 * (k + 1), "wall_seconds": 2.0,
                     "warnings": [], "measured": measured, "curve": curve} for seed in (0, 1)]
    plan = {"seeds": [0, 1], "folds": None, "split": "fresh", "overlap": 0.0}
    data = {"name": "x", "task": "classes", "samples": 9, "features": 2, "classes": ["p", "q"], "chance": 0.5}
    return learning.Comparison(data, plan, {f"learner {k:02d}": {} for k in range(12)}, records, target=0.9)


def test_sentences_name_the_first_and_the_last_of_many(many):
    said = many.summary()
    for words in (": learner 00 99.1 % (97.8 to 100.0), learner 01 97.1 %", ", 8 others, and last learner 11 77.1 % (",
                  "the fastest first): learner 00 2 epochs and 0.20 s; learner 01 2 epochs and 0.40 s; learner 02",
                  "learner 00 10, learner 01 20, learner 02 30, 8 others, and last learner 11 120.",
                  "learner 00 1.00, 1.00; learner 01 0.95, 1.00; learner 02 0.90, 1.00; 8 others; and last learner 11 0.45"):
        assert words in said
    assert some(["a"] * 6) == "a, a, a, a, a, a" and some(list("abcdefg"), "; ") == "a; b; c; 3 others; and last g"


def test_sentences_call_none_the_best_of_equals(many):
    equal = [{**r, "score": 0.9, "measured": {"noise_1": 0.7}} for r in many.records[:4]]
    said = learning.Comparison(many.data, many.plan, dict.fromkeys(list(many.learners)[:2], {}), equal).summary()
    assert "standard deviation: the 2 that had learnt then all have 70.0 %." in said


def test_robustness_of_many_stands_in_rows(many):
    panels = plot.comparison_robustness(many)
    assert [t.get_text() for t in panels[0].get_yticklabels()] == list(many.learners) and len(panels) == 1
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in panels[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots[:4], [(89, 0), (69, 0), (87, 1), (67, 1)])
    with matplotlib.rc_context(plot.rc()):
        assert overlaps(panels[0]) == []


def test_times_have_two_digits():
    assert [seconds_text(v) for v in (0.2, 0.034, 1.0, 9.949, 9.96, 135.2)] == ["0.20 s", "0.034 s", "1.0 s", "9.9 s", "10 s",
                                                                                 "135 s"]
