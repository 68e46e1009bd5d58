"""The comparison of learners: splits, runs, statistics, results."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from comparing import Stepwise, known_data
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.svm import SVC

from neurosim import learning
from neurosim.errors import ParameterError, StorageError
from neurosim.learning.comparing import protocol
from neurosim.learning.comparing.datasets import dataset, made
from neurosim.learning.comparing.entrants import entrants
from neurosim.learning.comparing.files import Records, write_json
from neurosim.learning.comparing.measuring import MARKS, marks, measure
from neurosim.learning.comparing.protocol import Job, Plan, scaling, split
from neurosim.learning.comparing.statistics import interval, paired

DATA = known_data()


# splits and scaling


def test_every_class_has_its_share_and_no_sample_is_in_both_parts():
    for plan in (Plan(), Plan(split="fixed")):
        train, test = split(DATA, plan, 3, None)
        assert np.bincount(DATA.y[test]).tolist() == [5] * 4
        assert sorted([*train, *test]) == list(range(80))
    folds = [split(DATA, Plan(folds=5), 2, k)[1] for k in range(5)]
    assert sorted(np.concatenate(folds)) == list(range(80)) and all(np.bincount(DATA.y[f]).tolist() == [4] * 4 for f in folds)
    numbers = dataset("diabetes")
    assert len(split(numbers, Plan(test_share=0.1), 0, None)[1]) == 45
    assert len(np.unique(np.concatenate([split(numbers, Plan(folds=3), 0, k)[1] for k in range(3)]))) == 442


def test_fresh_and_fixed_splits():
    def parts(plan):
        return [split(DATA, plan, seed, None)[1].tolist() for seed in plan.seeds]

    fresh, fixed = parts(Plan((4, 5, 6))), parts(Plan((4, 5, 6), split="fixed"))
    assert len({tuple(p) for p in fresh}) == 3 and fixed == [fresh[0]] * 3


def test_all_learners_meet_the_same_samples(monkeypatch):
    seen = {}
    usual = protocol.split

    def watched(data, plan, seed, fold):
        train, test = usual(data, plan, seed, fold)
        seen.setdefault((seed, fold), []).append((train.tobytes(), test.tobytes()))
        return train, test

    monkeypatch.setattr("neurosim.learning.comparing.measuring.split", watched)
    learning.compare(DATA, [Stepwise(), DummyClassifier(), SVC()], seeds=2, folds=3)
    assert len(seen) == 6 and all(len(parts) == 3 and len(set(parts)) == 1 for parts in seen.values())


def test_scaling_is_learnt_from_the_samples_for_learning():
    rng = np.random.default_rng(0)
    data = made("d", np.c_[rng.normal(5, 3, (50, 2)), np.full(50, 7.0)], rng.normal(9, 4, 50))
    train = np.arange(30)
    standard, unit, none = (scaling(data, train, how) for how in ("standard", "unit", "none"))
    x = standard.samples(data.x[train])
    np.testing.assert_allclose([x.mean(0), x.std(0)], [[0, 0, 0], [1, 1, 0]], atol=1e-12)
    x = unit.samples(data.x[train])
    assert x.min() == 0 and x.max() == 1 and not x[:, 2].any()
    np.testing.assert_array_equal(none.samples(data.x), data.x)
    y = standard.answers(data.y[train])
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-12)
    assert none.answers(data.y) is not None and (none.answers(data.y) == data.y).all()
    digits = dataset("digits")
    np.testing.assert_array_equal(scaling(digits, train, "unit").samples(digits.x), digits.x / 16)


@pytest.mark.parametrize("data, options, words", [
    (DATA, {"seeds": ()}, "seeds="), (DATA, {"seeds": (1, 1)}, "different"), (DATA, {"seeds": (-1,)}, "seeds="),
    (DATA, {"split": "new"}, "'fresh'"), (DATA, {"scale": "log"}, "'standard', 'unit' or 'none'"),
    (DATA, {"folds": 1}, "folds=1"), (DATA, {"folds": 81}, "folds=81"), (DATA, {"folds": 21}, "class '0' has 20 samples; 21"),
    (DATA, {"folds": 4, "split": "fixed"}, "Leave one of them out"), (DATA, {"test_share": 1.0}, "between 0 and 1"),
    (DATA, {"test_share": 0.03}, "4 are needed in each"), (DATA, {"test_share": 0.97}, "4 are needed in each"),
    (known_data(3, 1), {"test_share": 0.5}, "test_share=0.5 of 3"),
    (made("few", np.eye(9), [0] * 8 + [1]), {}, "class '1' has 1 sample; 2 are needed"),
])
def test_plans_that_cannot_be(data, options, words):
    with pytest.raises(ParameterError) as said:
        Plan(**options).check(data)
    assert words in str(said.value)


# one run


def run_of(learner, data=DATA, seed=0, **options):
    return measure(Job(entrants([learner], data.numbers, **options)[0], Plan(), seed, None), data)


def test_a_curve_known_beforehand():
    record = run_of(Stepwise(cosine=0.6), epochs=6)
    curve = record["curve"]
    assert curve["epoch"] == [1, 2, 3, 4, 5, 6] and record["epochs"] == 6
    assert curve["test"] == curve["train"] == [0.25, 0.5, 0.75, 1, 1, 1] and record["score"] == record["train_score"] == 1.0
    # directions count, however small a change is; a layer that does not learn has none
    np.testing.assert_allclose(curve["cosines"], [[0.6, 1.0, np.nan]] * 6, rtol=1e-12)
    assert np.all(np.diff(curve["cpu_seconds"]) >= 0) and curve["wall_seconds"][-1] == record["wall_seconds"] > 0
    assert (record["n_train"], record["n_test"], record["failed"], record["diverged"]) == (60, 20, None, None)
    json.dumps(record["job"])


def test_marks_are_few_and_hold_the_ends():
    for epochs in (1, 2, 49, 50, 51, 1000):
        found = marks(epochs)
        assert {1, epochs} <= found and len(found) == min(epochs, MARKS)


def test_one_that_is_fitted_at_once():
    record = run_of(DummyClassifier(strategy="constant", constant=2))
    assert record["epochs"] is None and record["score"] == 0.25 and record["curve"]["epoch"] == [None]
    assert record["curve"]["cosines"] == [None]


def test_divergence_keeps_what_was_before():
    record = run_of(Stepwise(diverges=3), epochs=10)
    assert record["epochs"] == 3 and record["score"] == 0.5 and "so and so" in record["diverged"] and not record["failed"]
    assert record["curve"]["epoch"] == [1, 2, 3] and record["warnings"] == ["diverged in epoch so and so"]


def test_failure_is_noted_with_what_came_before():
    record = run_of(Stepwise(fails=3), epochs=10)
    assert record["failed"] == "RuntimeError: it broke" and record["score"] is None and record["curve"]["test"] == [0.25, 0.5]


def test_numbers():
    x = np.linspace(-1, 1, 60)[:, None]
    record = run_of("sklearn.linear_model.LinearRegression", made("line", x, 1e6 * x[:, 0] + 3e6, "numbers"))
    assert record["score"] == pytest.approx(1.0, abs=1e-12)
    mean = run_of("sklearn.dummy.DummyRegressor", dataset("diabetes"))
    assert -0.1 < mean["score"] <= 0.0


def test_a_learner_s_layers_are_compared_with_backprop_s():
    record = run_of("backprop", dataset("iris"), epochs=2, hidden=6)
    assert np.array(record["curve"]["cosines"]).shape == (2, 2)
    np.testing.assert_allclose(record["curve"]["cosines"], 1.0, rtol=1e-9)
    other = run_of("predictive-coding", dataset("iris"), epochs=2, hidden=6)["curve"]["cosines"]
    assert np.array(other).shape == (2, 2) and np.all(np.abs(other) <= 1)


def test_runs_are_repeatable():
    a, b, c = (run_of(SGDClassifier(loss="log_loss"), dataset("iris"), seed, epochs=4)["curve"] for seed in (1, 1, 2))
    assert a["test"] == b["test"] and a["train"] == b["train"] and a["train"] != c["train"]


# statistics


def test_interval_is_student_s():
    values = [0.9, 0.94, 0.91, 0.97]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    wider = interval(values, overlap=1 / 3, confidence=0.95)
    assert wider.half == pytest.approx(found.half * np.sqrt((1 / 4 + 1 / 3) * 4), rel=1e-12)
    assert interval(values, confidence=0.9).half < found.half and interval([*values, np.nan]) == found


def test_intervals_of_one_and_none():
    assert interval([0.5]).mean == 0.5 and np.isnan(interval([0.5]).half) and not interval([0.5]).decided
    assert np.isnan(interval([]).mean) and interval([np.nan]).count == 0


def test_pairs():
    base = np.array([0.1, 0.5, 0.9, 0.3])
    found = paired(base + [0.01, 0.02, 0.03, np.nan], base)
    assert found.mean == pytest.approx(0.02) and found.count == 3 and not found.decided
    assert found.half == pytest.approx(stats.t.ppf(0.975, 2) * 0.01 / np.sqrt(3))
    assert paired(base + [0.01, 0.011, 0.012, 0.011], base).decided
    # all the same: nothing is known of how it varies
    assert not paired([1.0, 1.0], [0.5, 0.5]).decided
    # nor if rounding makes 73/75 - 70/75 another number than 72/75 - 69/75
    found = paired(np.array([73, 72, 71])/75, np.array([70, 69, 68])/75)
    assert found.half == 0 and not found.decided and found.mean == pytest.approx(0.04)
    assert interval(np.full(3, 73/75)).half == 0


def test_corrected_interval_keeps_its_word():
    # means over random test parts of the same samples, with parts for learning that do not matter: the plain interval over J
    # splits misses the truth far more often than 5 %, as what is drawn is the same 40 samples again and again
    rng = np.random.default_rng(0)
    missed = np.zeros(2)
    for _ in range(400):
        sample = rng.normal(size=40)
        means = [sample[rng.permutation(40)[:10]].mean() for _ in range(10)]
        missed += [abs(i.mean) > i.half for i in (interval(means), interval(means, overlap=1 / 3))]
    # 400 draws: the share of a true 5 % is below 8.5 % with probability 0.999
    assert missed[0] / 400 > 0.2 and missed[1] / 400 < 0.085


# the result


@pytest.fixture(scope="module")
def found():
    learners = {"fast": Stepwise(step=2, cosine=1.0), "slow": Stepwise(cosine=0.5), "broken": Stepwise(fails=1),
                "wild": Stepwise(diverges=2), "most": DummyClassifier(strategy="most_frequent")}
    return learning.compare(DATA, learners, seeds=[3, 5, 8], epochs=3, target=0.7)


def test_table(found):
    rows = {row["learner"]: row for row in found.table()}
    assert list(rows) == ["fast", "slow", "broken", "wild", "most"]
    assert [rows[n]["score"] for n in ("fast", "slow", "wild", "most")] == [1.0, 0.75, 0.25, 0.25]
    assert np.isnan(rows["broken"]["score"])
    assert [rows[n]["epochs_to_target"] for n in rows] == [2.0, 3.0, None, None, None]
    assert [rows[n]["reached"] for n in rows] == [3, 3, 0, 0, 0]
    assert (rows["broken"]["failed"], rows["wild"]["diverged"], rows["wild"]["epochs"]) == (3, 3, 2.0)
    assert rows["slow"]["difference"] == -0.25 and rows["fast"]["difference"] is None
    assert (rows["slow"]["cosine_1"], rows["fast"]["cosine_2"], rows["most"]["cosine_1"]) == (pytest.approx(0.5), 1.0, None)


def test_curves(found):
    curve = found.curve("wild")
    # a run that stopped keeps its last score
    assert curve.epoch.tolist() == [1, 2] and curve.test.tolist() == [0.25, 0.25]
    assert found.curve("slow").test.tolist() == [0.25, 0.5, 0.75] and found.curve("broken").test.size == 0
    assert np.isnan(found.curve("most").epoch).all() and found.curve("slow").cosines.shape == (3, 3)
    with pytest.raises(ParameterError, match="Did you mean 'slow'"):
        found.curve("slw")


def test_summary(found):
    said = found.summary()
    assert "80 samples with 1 feature and 4 classes, the most frequent with 25.0 % of the samples" in said
    assert "3 seeds, each with its own split" in said
    assert "fast 100.0 % (the same in every run), slow 75.0 %" in said
    assert "slow -25.0" in said and "nothing is known of other runs" in said
    assert "70.0 % took" in said and "fast 2 epochs and" in said and "slow 3 epochs" in said
    assert "Not so far in most of their runs came: wild, most." in said
    assert "slow 0.50, 1.00, -" in said and "fast 1.00" not in said
    assert "broken failed in 3 of 3 runs: RuntimeError: it broke" in said and "wild diverged in 3 of 3 runs" in said


def test_usual_target_lies_between_chance_and_the_best():
    result = learning.compare(DATA, [Stepwise()], seeds=2, epochs=4)
    assert result.target == pytest.approx(0.25 + 0.95 * 0.75)


def test_differences_are_decided_by_their_intervals():
    scores = {"a": [0.9, 0.92, 0.94], "b": [0.95, 0.96, 0.99], "c": [0.9, 0.95, 0.9], "d": [0.5, 0.53, 0.55]}
    records = [{"learner": n, "seed": k, "fold": None, "score": s, "train_score": 1.0, "failed": None, "diverged": None,
                "epochs": 1, "cpu_seconds": 1.0, "wall_seconds": 1.0, "warnings": [],
                "curve": {"epoch": [1], "test": [s], "train": [1.0], "cpu_seconds": [1.0], "wall_seconds": [1.0],
                          "cosines": [None]}} for n, own in scores.items() for k, s in enumerate(own)]
    plan = {"seeds": [0, 1, 2], "folds": None, "split": "fixed", "overlap": 0.0}
    data = {"name": "x", "task": "classes", "samples": 9, "features": 2, "classes": ["p", "q"], "chance": 0.5}
    result = learning.Comparison(data, plan, dict.fromkeys("abcd", {}), records)
    said = result.summary().splitlines()
    assert said[2].startswith("Better than a") and said[2].endswith(": b +4.7 (+3.2 to +6.1).")
    assert said[3].startswith("Worse than a") and "d -39.3" in said[3]
    assert said[4].startswith("Not decided by these runs against a") and "c -0.3" in said[4]
    # nobody learnt anything: no score is worth a race
    rare = learning.Comparison({**data, "chance": 0.97}, plan, dict.fromkeys("abcd", {}), records)
    assert np.isnan(rare.target) and rare.table()[0]["epochs_to_target"] is None
    assert "None did better on the mean than to give the most frequent class every time (97.0 %)." in rare.summary()
    high = learning.Comparison(data, plan, dict.fromkeys("abcd", {}), records, target=0.999)
    assert "Not to a score of 99.9 % in most of their runs came: a, b, c, d." in high.summary()
    assert "3 seeds on the same split" in said[0] and said[5].startswith("Each of these 3 intervals")


def test_saved_and_loaded(found, tmp_path):
    paths = found.save(tmp_path / "out")
    assert [p.name for p in paths] == ["comparison.csv", "curves.csv", "comparison.json"]
    again = learning.Comparison.load(tmp_path / "out")
    assert again.records == found.records and again.summary() == found.summary() and again.target == found.target
    np.testing.assert_equal(again.table(), found.table())
    lines = (tmp_path / "out" / "comparison.csv").read_text().splitlines()
    assert len(lines) == 6 and lines[3].startswith("broken,3,3,0,,")
    assert lines[0].startswith("learner,runs,failed,diverged,score,low,high")
    rows = (tmp_path / "out" / "curves.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * (3 + 3 + 0 + 2 + 1) and rows[0].endswith("test,train,cosine_1,cosine_2,cosine_3")
    whole = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert whole["versions"]["neurosim"] and whole["plan"]["seeds"] == [3, 5, 8] and len(whole["records"]) == 15
    (tmp_path / "out" / "comparison.json").write_text("{}")
    for folder, words in ((tmp_path / "out", "no saved comparison"), (tmp_path, "cannot be read")):
        with pytest.raises(StorageError, match=words):
            learning.Comparison.load(folder)


# finished runs, and several at a time


def test_runs_are_resumed(tmp_path, monkeypatch):
    class Stopped(BaseException):
        pass

    made_runs = []

    def counted(job, data):
        made_runs.append((job.entrant.label, job.seed))
        if len(made_runs) == 4:
            raise Stopped
        return measure(job, data)

    monkeypatch.setattr("neurosim.learning.comparing.running.measure", counted)
    options = {"seeds": 3, "epochs": 3, "records": tmp_path / "records", "resume": True}
    learners = {"a": Stepwise(), "b": Stepwise(step=2)}
    with pytest.raises(Stopped):
        learning.compare(DATA, learners, **options)
    assert len(list((tmp_path / "records").iterdir())) == 3
    whole = learning.compare(DATA, learners, **options)
    assert len(made_runs) == 4 + 3 and [r["learner"] for r in whole.records] == ["a", "b"] * 3
    assert made_runs[:4] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    learning.compare(DATA, learners, **options)
    assert len(made_runs) == 7
    # more seeds keep what is there; another label too; another parameter, other data or no resume do not
    learning.compare(DATA, learners, **{**options, "seeds": 4})
    learning.compare(DATA, {"renamed": Stepwise()}, **options)
    assert len(made_runs) == 9
    learning.compare(DATA, {"a": Stepwise(step=3)}, **options)
    learning.compare(known_data(4, 16), {"a": Stepwise()}, **options)
    learning.compare(DATA, {"a": Stepwise()}, **{**options, "resume": False})
    assert len(made_runs) == 18
    # a damaged record counts as none
    next((tmp_path / "records").iterdir()).write_text("{")
    assert sum(Records(tmp_path / "records").get(p.stem) is None for p in (tmp_path / "records").iterdir()) == 1


def test_files_are_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"a": np.float64(1.0), "b": [np.nan, np.array([1, 2])], "c": SVC})
    assert json.loads(path.read_text())["b"] == [None, [1, 2]]

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(StorageError, match="No space left"):
        write_json(path, {"a": 2})
    assert json.loads(path.read_text())["a"] == 1.0 and [p.name for p in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(StorageError, match="cannot be written"):
        write_json(path / "b.json", {})


def test_jobs_find_the_same():
    learners = "sklearn.linear_model.SGDClassifier, sklearn.svm.SVC"
    one, two = (learning.compare("iris", learners, seeds=2, epochs=3, jobs=jobs) for jobs in (1, 2))
    same = [[(r["learner"], r["seed"], r["score"], r["curve"]["train"]) for r in c.records] for c in (one, two)]
    assert same[0] == same[1] and len(same[0]) == 4


@pytest.mark.parametrize("options, words", [
    ({"seeds": 2.5}, "seeds"), ({"seeds": True}, "seeds"), ({"seeds": 0}, "one at least"),
    ({"confidence": 95}, "confidence=95"),
    ({"jobs": 0}, "jobs=0"), ({"target": 97}, "0.97"), ({"resume": True}, "resume=True needs records"),
])
def test_wrong_arguments(options, words):
    with pytest.raises(ParameterError) as said:
        learning.compare(DATA, [DummyClassifier()], **options)
    assert words in str(said.value)
