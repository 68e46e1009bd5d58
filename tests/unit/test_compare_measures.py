"""What is measured beside the score: costs, robustness, few labels, feedback; and the page that tells of it."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
from comparing import Stepwise, known_data
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from neurosim import learning
from neurosim.errors import ParameterError
from neurosim.learning.comparing.cost import cost
from neurosim.learning.comparing.entrants import entrants
from neurosim.learning.comparing.feedback import angles, feedback
from neurosim.learning.comparing.few_labels import few_labels, spread_out
from neurosim.learning.comparing.measures import MEASURES, chosen
from neurosim.learning.comparing.page import page
from neurosim.learning.comparing.page_parts import Heat, picture, table
from neurosim.learning.comparing.robustness import LEVELS, own_gradient, robustness, spread
from neurosim.learning.comparing.trained import Trained
from neurosim.plot.comparison_measures import comparison_costs, comparison_robustness

RNG = np.random.default_rng(7)
X = RNG.normal(size=(40, 5))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
NUMBERS = X @ [1.0, -2.0, 0.0, 0.5, 0.0]


def trained(learner, y=LABELS, **more):
    """Return a learner that has learnt, tested on what it learnt."""
    return Trained(learner.fit(X, y), X, y, X, y, np.arange(5), **more)


# gradients by the samples


def losses(learner, x, y):
    """Return the loss of each sample, from what the learner answers."""
    if y.dtype.kind == "i":
        return -np.log(learner.predict_proba(x)[np.arange(len(y)), y])
    scaled = (y - y.mean())/y.std()
    return (((learner.predict(x) - y.mean())/y.std()) - scaled)**2/2


@pytest.mark.parametrize("kind", ["Backprop", "FeedbackAlignment", "DirectFeedbackAlignment", "TargetPropagation",
                                  "PredictiveCoding"])
@pytest.mark.parametrize("y", [LABELS, NUMBERS], ids=["classes", "numbers"])
def test_input_gradient_is_that_of_differences(kind, y):
    made = getattr(learning, kind + ("Classifier" if y.dtype.kind == "i" else "Regressor"))
    learner = made((6, 5), activation="tanh", max_iter=3, random_state=0).fit(X, y)
    found, h = learner.input_gradient(X, y), 1e-5
    steps = h*np.eye(5)
    wanted = np.stack([(losses(learner, X + s, y) - losses(learner, X - s, y))/(2*h) for s in steps], axis=1)
    # differences err by h^2 and by rounding over h, both about 1e-10
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


def test_learners_without_an_exact_gradient_say_so():
    spikes = learning.SpikingPredictiveCodingClassifier((4,), max_iter=1, random_state=0).fit(X, LABELS)
    with pytest.raises(ParameterError, match="no exact gradient"):
        spikes.input_gradient(X, LABELS)
    generative = learning.PredictiveCodingClassifier((4,), direction="generative", max_iter=1, random_state=0).fit(X, LABELS)
    assert own_gradient(generative, X, LABELS) is None and own_gradient(DummyClassifier(), X, LABELS) is None


# robustness


def test_a_constant_answer_is_as_good_whatever_is_done_to_samples():
    found = robustness(trained(DummyClassifier(strategy="most_frequent")))
    share = np.bincount(LABELS).max()/len(LABELS)
    assert set(found) == {f"{k}_{v:g}" for k, values in LEVELS.items() for v in values if k != "fgsm"}
    assert set(found.values()) == {share}


class Seen:
    """Keeps the samples it is asked for."""

    def __init__(self):
        self.asked = []

    def fit(self, x, y):
        return self

    def predict(self, x):
        self.asked.append(x)
        return np.zeros(len(x), int)

    def input_gradient(self, x, y):
        return np.where(x > 0, 1e-30, -1.0)


def test_disturbances_are_what_they_are_said_to_be():
    own = Seen()
    robustness(trained(own, seed=3))
    noise, hidden, steps = own.asked[:3], own.asked[3:6], own.asked[6:9]
    unit = np.sqrt(X.var(axis=0).mean())
    assert spread(X) == unit
    for a, x in zip(LEVELS["noise"], noise):
        # 200 normal numbers: their standard deviation is within 25 % but for one case in 10^6
        assert np.std(x - X) == pytest.approx(a*unit, rel=0.25)
        np.testing.assert_allclose((x - X)/a, (noise[0] - X)/LEVELS["noise"][0])
    mean = np.broadcast_to(X.mean(axis=0), X.shape)
    for share, x in zip(LEVELS["occlusion"], hidden):
        gone = x != X
        assert (gone.sum(axis=1) == max(1, round(share*5))).all() and (x[gone] == mean[gone]).all()
    assert ((hidden[0] != X) <= (hidden[2] != X)).all()
    for e, x in zip(LEVELS["fgsm"], steps):
        np.testing.assert_allclose(x, X + e*unit*np.where(X > 0, 1, -1))
    again = Seen()
    robustness(trained(again, seed=3))
    assert all(np.array_equal(a, b) for a, b in zip(own.asked, again.asked))


def test_a_step_against_the_own_gradient_harms_more_than_noise():
    found = robustness(trained(learning.BackpropClassifier((16,), max_iter=100, random_state=0)))
    assert found["fgsm_0.5"] < found["noise_0.5"] and found["fgsm_0.5"] <= found["transfer_0.5"]


# costs


def test_products_of_networks_and_of_linear_models():
    assert cost(trained(learning.BackpropClassifier((7,), max_iter=1, random_state=0))) == {"products": 5*7 + 7*3}
    assert cost(trained(LogisticRegression())) == {"products": 15} and cost(trained(Ridge(), NUMBERS)) == {"products": 5}
    assert cost(trained(DecisionTreeClassifier())) == {}


def test_products_of_networks_that_settle():
    # start and drive once; each of 4 rounds visits the answer (7 x 3 up) and the hidden layer (7 x 3 down)
    one = learning.EquilibriumPropagationClassifier((7,), free_rounds=4, max_iter=1, random_state=0)
    assert cost(trained(one)) == {"products": 35 + 21 + 35 + 4*(21 + 21)}
    # layers 3, 2, 1 and 2 again
    two = learning.ContrastiveHebbianClassifier((7, 4), free_rounds=2, max_iter=1, random_state=0)
    assert cost(trained(two)) == {"products": 35 + 28 + 12 + 35 + 2*(12 + (28 + 12) + 28 + (28 + 12))}


def test_spikes_are_counted_by_those_that_spike():
    net = learning.SurrogateClassifier((9,), steps=5, max_iter=1, random_state=0)
    found = cost(trained(net))
    assert found["synaptic_events"] == pytest.approx(3*found["spikes"]) and found["products"] == 5*9


# feedback


def test_feedback_that_is_the_transposed_stands_at_0_degrees():
    for made in (learning.FeedbackAlignmentClassifier, learning.DirectFeedbackAlignmentClassifier):
        net = made((6, 4), max_iter=1, random_state=0).fit(X, LABELS)
        assert all(20 < a < 160 for a in angles(net)) and len(angles(net)) == 2
        w = net.coefs_
        direct = made is learning.DirectFeedbackAlignmentClassifier
        net.feedback_ = [(w[1] @ w[2]).T if direct else w[1].T, w[2].T]
        # the arc cosine turns rounding of 1e-16 into 1e-8 radians
        np.testing.assert_allclose(angles(net), 0, atol=1e-5)
    assert feedback(trained(learning.BackpropClassifier((3,), max_iter=1))) == {}


# few labels


def test_parts_are_the_same_nested_and_in_equal_shares():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    order = spread_out(y, np.random.default_rng(0))
    assert sorted(order) == list(range(100)) and np.bincount(y[order[:10]]).tolist() == [5, 3, 2]
    assert np.array_equal(order, spread_out(y, np.random.default_rng(0)))
    assert sorted(spread_out(NUMBERS, np.random.default_rng(0))) == list(range(40))


def test_few_labels_make_as_many_steps():
    class Counting(Stepwise):
        fitted: list = []

        def fit(self, X, y):
            self.fitted.append((len(X), self.max_iter, self.random_state))
            return super().fit(X, y)

    data = known_data(4, 20)
    x, y = data.x, data.y
    found = few_labels(Trained(Counting(max_iter=4), x, y, x, y, np.arange(3), seed=9, epochs=4))
    assert Counting.fitted == [(8, 40, 9), (20, 16, 9), (40, 8, 9)] and set(found.values()) == {1.0}
    assert list(found) == ["labels_0.1", "labels_0.25", "labels_0.5"]
    # a tenth of three samples of a class is none
    few = known_data(4, 3)
    assert "labels_0.1" not in few_labels(Trained(Counting(), few.x, few.y, few.x, few.y, np.arange(3)))


# in a comparison


def test_names_of_measures():
    assert chosen("usual") == ("cost", "robustness", "feedback") and chosen("all") == tuple(MEASURES) and chosen(()) == ()
    assert chosen("labels, cost") == ("cost", "labels") and chosen("none") == ()
    with pytest.raises(ParameterError, match="Did you mean 'robustness'"):
        chosen("robustnes")


@pytest.fixture(scope="module")
def found():
    learners = {"bp": learning.BackpropClassifier((8,)), "fa": learning.FeedbackAlignmentClassifier((8,)),
                "<script>alert('x')</script>": LogisticRegression(), "lif": learning.SurrogateClassifier((8,), steps=4)}
    return learning.compare((X, LABELS), learners, seeds=2, epochs=2, measures="usual", command="a <b> & c")


def test_measures_stand_in_records_table_and_summary(found, tmp_path):
    rows = {row["learner"]: row for row in found.table()}
    assert rows["bp"]["products"] == 5*8 + 8*3 and rows["bp"]["spikes"] is None and rows["lif"]["spikes"] > 0
    assert rows["fa"]["feedback_angle_1"] > 0 and rows["bp"]["feedback_angle_1"] is None
    assert (rows["fa"]["local"], rows["fa"]["needs"], rows["bp"]["local"]) == (True, "fixed random feedback", False)
    assert found.measured("bp", "noise_1").count == found.measured("lif", "fgsm_0.5").count == 2
    assert found.measured("<script>alert('x')</script>", "fgsm_0.5").count == 0
    said = found.summary()
    for words in ("bp 64", "synaptic events", "degrees (90 is chance): fa", "local, and no weight", "An answer takes so many"):
        assert words in said
    found.save(tmp_path)
    assert "noise_0.25" in (tmp_path / "comparison.csv").read_text().splitlines()[0].split(",")
    again = learning.Comparison.load(tmp_path)
    assert again.measures() == found.measures() and again.summary() == said


def test_a_measure_that_fails_is_told_and_harms_nothing():
    class Fragile(Stepwise):
        def predict(self, X):
            if X.shape[1] == 1 and np.any(X != np.round(X)):
                raise RuntimeError("only whole numbers")
            return super().predict(X)

    result = learning.compare(known_data(), {"a": Fragile(), "b": DummyClassifier()}, seeds=1, measures="robustness",
                              scale="none", epochs=4)
    assert not result.records[0]["failed"] and result.records[0]["measured"] == {}
    assert "robustness was not measured: RuntimeError: only whole numbers" in result.summary()


def test_figures(found):
    panels = comparison_robustness(found)
    assert [ax.get_title(loc="left") for ax in panels] == ["Gaussian noise", "Features hidden", "Own gradient",
                                                           "Another's gradient"]
    assert [len(ax.lines) for ax in panels] == [4, 4, 3, 4]
    assert panels[0].lines[0].get_ydata()[0] == pytest.approx(100*found.interval("bp").mean)
    ax = comparison_costs(found)
    assert len(ax.get_yticks()) == 4 and len(ax.lines) == 5
    bare = learning.compare(known_data(), {"a": Stepwise()}, seeds=1)
    for draw in (comparison_robustness, comparison_costs):
        with pytest.raises(ParameterError, match="measured"):
            draw(bare)


class Reader(HTMLParser):
    """Gathers tags, links and texts, and sees to it that tags are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.texts, self.tags = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [v for k, v in attrs if k in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_page_is_whole_and_escaped(found):
    text = page(found, [("a <figure>", b"\x89PNG")])
    reader = Reader()
    reader.feed(text)
    assert not reader.open and reader.links == ["data:image/png;base64,iVBORw=="]
    assert not reader.tags & {"script", "link", "iframe"} and "@import" not in text and "url(" not in text
    shown = " ".join(reader.texts).replace("\xa0", " ")
    for words in ("<script>alert('x')</script>", "a <b> & c", "What was found", "Disturbed samples", "doi:10.1038/ncomms13276",
                  "numpy", "Nadeau", "fixed random feedback", "Parameters of the learners"):
        assert words in shown
    assert "Few labels" not in shown
    for line in found.summary().splitlines():
        assert line in shown


def test_page_of_numbers_and_of_a_single_run():
    result = learning.compare((X, NUMBERS), {"ridge": Ridge(), "bp": learning.BackpropRegressor((4,))}, seeds=1, epochs=2,
                              measures="all")
    text = page(result)
    assert "R²" in text and "Few labels" in text and "nan" not in text.partition("Parameters of the learners")[0]
    bare = page(learning.compare(known_data(), {"a": Stepwise(fails=1)}, seeds=1))
    assert "a failed in 1 of 1 run" in bare and "Disturbed" not in bare and "nan" not in bare


def test_pieces():
    assert table(["a", "b"], [["x", ""]]) == "" and "rgb(255,255,255)" in table(["a", "b"], [["x", Heat("1", -3.0)]])
    assert picture(b"", '"').count('"') == 4


def test_learners_that_need_few_passes_get_few():
    names = "backprop, nef-readout, pes, sklearn.linear_model.SGDClassifier, nef-readout(max_iter=7)"
    for usual, wanted in ((50, [50, 1, 20, 50, 7]), (500, [500, 10, 200, 500, 7])):
        assert [e.epochs for e in entrants(names, False, usual=usual)] == wanted
    assert [e.epochs for e in entrants(names, False, epochs=3)] == [3, 3, 3, 3, 7]
