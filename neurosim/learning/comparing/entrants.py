"""Who takes part: learners by name, scikit-learn's estimators by dotted path, and estimators as they are.

    backprop                                    a name of the catalogue
    sklearn.linear_model.LogisticRegression     a class, with its defaults
    sklearn.svm.SVC(C=10, kernel='rbf')         with arguments, which are literals: they are read, never evaluated
"""

from __future__ import annotations

import ast
import importlib
import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.errors import ParameterError, listing, nearest
from neurosim.learning.learners.catalogue import LEARNERS, learner

#: passes over so many samples, or more, for which nothing else is said; fewer samples are shown more often, at most so often
EPOCHS, SAMPLES, MOST = 50, 1500, 500


@dataclass(frozen=True, eq=False)
class Entrant:
    """One that takes part.

    Attributes:
        label: its name in tables and figures.
        estimator: not fitted; it is cloned for each run.
        epochs: how many times it is given the samples by partial_fit; None: it is fitted at once.
    """

    label: str
    estimator: Any
    epochs: int | None

    def description(self) -> dict[str, Any]:
        """Return class and parameters in words, without random_state, which is set for each run."""
        kind = type(self.estimator)
        parameters = {k: repr(v) for k, v in sorted(self.estimator.get_params().items()) if not k.endswith("random_state")}
        return {"class": f"{kind.__module__}.{kind.__qualname__}", "parameters": parameters, "epochs": self.epochs}


def split_names(text: str) -> list[str]:
    """Return the parts of ``"a,b(c=1, d=2),e"`` between the commas that stand outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        if sign == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def usual_epochs(samples: int) -> int:
    """Return the passes over a data set of that size: a few samples make few steps an epoch, so they are shown more often."""
    return min(MOST, max(EPOCHS, math.ceil(EPOCHS*SAMPLES/max(samples, 1))))


def entrants(learners: Any, numbers: bool, *, epochs: int | None = None, usual: int = EPOCHS, hidden: Any = None,
             settings: Mapping[str, Any] | None = None) -> list[Entrant]:
    """Return those who take part, ready to be cloned.

    Args:
        learners: names as above, in one text with commas ("all" is the whole catalogue) or several; estimators or their
            classes; a dict gives labels.
        numbers: whether the answers are numbers.
        epochs: of all that learn in epochs, unless their own max_iter is set by name.
        usual: epochs where nothing is said, neither here nor by an estimator of one's own; fewer, in proportion, for a class
            whose default of max_iter is below 50.
        hidden: sizes of hidden layers, of all that have them.
        settings: values of parameters: "learner.parameter" for one, "parameter" for all that have it.

    Raises:
        ParameterError: unknown names, with the nearest; a classifier for numbers or the reverse; values that are not literal.
    """
    listed = [(label, *_made(given, numbers)) for label, given in _listed(learners, numbers)]
    labels = _labels([(label, aliases) for label, aliases, _, _ in listed])
    found = [((label, *aliases), estimator, stated) for label, (_, aliases, estimator, stated) in zip(labels, listed)]
    if not found:
        raise ParameterError("No learner is named. Name one at least.")
    if hidden is not None:
        sizes = tuple(hidden) if isinstance(hidden, Iterable) else (hidden,)
        _set_for_all(found, "hidden_layer_sizes", sizes, "hidden")
    for key, value in (settings or {}).items():
        _set(found, key, value)
    return [Entrant(label, *_with_epochs(estimator, stated, epochs, usual))
            for label, (_, estimator, stated) in zip(labels, found)]


def _listed(learners: Any, numbers: bool) -> list[tuple[str | None, Any]]:
    if isinstance(learners, Mapping):
        return [(str(k), v) for k, v in learners.items()]
    parts: list[Any] = []
    alone = isinstance(learners, (str, type)) or not isinstance(learners, Iterable) or hasattr(learners, "get_params")
    for item in [learners] if alone else learners:
        parts += split_names(item) if isinstance(item, str) else [item]
    listed: list[tuple[str | None, Any]] = []
    for part in parts:
        whole = [name for name, entry in LEARNERS.items() if not numbers or entry[2] is not None] if part == "all" else [part]
        listed += [(None, name) for name in whole]
    return listed


def _labels(named: list[tuple[str | None, tuple[str, ...]]]) -> list[str]:
    """Return short names, all different: with arguments, or else a number, where classes are the same."""
    short = [label or aliases[0] for label, aliases in named]
    longer = [aliases[-1] if short.count(own) > 1 and label is None else own for own, (label, aliases) in zip(short, named)]
    return [f"{own} #{longer[:k].count(own) + 1}" if longer.count(own) > 1 else own for k, own in enumerate(longer)]


def _made(given: Any, numbers: bool) -> tuple[tuple[str, ...], Any, dict[str, Any]]:
    """Return names, estimator, and the parameters that were stated for it."""
    from sklearn.base import clone

    if isinstance(given, str) and "." not in given.partition("(")[0]:
        name, arguments = _taken_apart(given)
        estimator, stated = learner(name, numbers), {}
        for parameter, value in arguments.items():
            _set_one(name, estimator, stated, parameter, value)
        return (name, given), estimator, stated
    if isinstance(given, str):
        path, arguments = _taken_apart(given)
        kind = _imported(path)
        estimator = _constructed(kind, arguments, path)
        names: tuple[str, ...] = (kind.__name__, given, path, given.replace(path, kind.__name__, 1))
    else:
        arguments = {}
        estimator = _constructed(given, {}, given.__name__) if isinstance(given, type) else given
        names = (type(estimator).__name__,)
    if not all(callable(getattr(estimator, need, None)) for need in ("fit", "predict", "get_params", "set_params")):
        raise ParameterError(f"{names[0]} is no estimator with fit, predict and get_params. Give a classifier or regressor "
                             "that follows scikit-learn.")
    _fits_task(names[0], estimator, numbers)
    # what the caller holds stays as it is
    return names, clone(estimator), arguments


def _taken_apart(text: str) -> tuple[str, dict[str, Any]]:
    path, bracket, _ = text.partition("(")
    if not bracket:
        return text, {}
    wrong = ParameterError(f"{text!r} cannot be read. Write name(parameter=value, ...) with numbers, texts in quotes, True, "
                           "False, None, tuples or lists.")
    try:
        # only the arguments are read as Python: names of learners may have hyphens
        call = ast.parse("f" + text[len(path):], mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(k.arg is None for k in call.keywords):
            raise wrong
        return path.strip(), {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError):
        raise wrong from None


def _imported(path: str) -> type:
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ParameterError(f"{path!r}: the module {module_name!r} cannot be imported ({error}). A baseline is written with "
                             "its module, such as sklearn.linear_model.LogisticRegression.") from None
    kind = getattr(module, name, None)
    if not isinstance(kind, type):
        classes = [n for n in dir(module) if isinstance(getattr(module, n, None), type)]
        raise ParameterError(f"{module_name} has no class {name!r}.{nearest(name, classes)}")
    return kind


def _constructed(kind: type, arguments: Mapping[str, Any], path: str) -> Any:
    unknown = [a for a in arguments if a not in inspect.signature(kind).parameters]
    if unknown:
        raise ParameterError(f"{path} has no parameter {unknown[0]!r}."
                             f"{nearest(unknown[0], inspect.signature(kind).parameters)}")
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ParameterError(f"{path} cannot be made: {error}. Give what it needs in brackets.") from None


def _fits_task(name: str, estimator: Any, numbers: bool) -> None:
    from sklearn.base import is_classifier, is_regressor

    if numbers and is_classifier(estimator):
        raise ParameterError(f"{name} is a classifier, but the answers of these data are numbers. Take a regressor, or set "
                             "task to 'classes'.")
    if not numbers and is_regressor(estimator):
        raise ParameterError(f"{name} is a regressor, but the answers of these data are classes. Take a classifier, or set "
                             "task to 'numbers'.")


def _set(found: list[tuple[tuple[str, ...], Any, dict[str, Any]]], key: str, value: Any) -> None:
    for alias in sorted({a for names, _, _ in found for a in names}, key=len, reverse=True):
        if key.startswith(f"{alias}."):
            parameter = key[len(alias) + 1:]
            for names, estimator, stated in found:
                if alias in names:
                    _set_one(names[0], estimator, stated, parameter, value)
            return
    name, dot, parameter = key.rpartition(".")
    labels = [names[0] for names, _, _ in found]
    if dot:
        raise ParameterError(f"{key!r}: no learner {name!r} takes part.{nearest(name, labels)} Those who do: "
                             f"{listing(labels)}.")
    _set_for_all(found, parameter, value, key)


def _set_for_all(found: list[tuple[tuple[str, ...], Any, dict[str, Any]]], parameter: str, value: Any, shown: str) -> None:
    having = [entry for entry in found if parameter in entry[1].get_params()]
    if not having:
        every = sorted({p for _, estimator, _ in found for p in estimator.get_params(deep=False)})
        raise ParameterError(f"{shown}: none of those who take part has the parameter {parameter!r}."
                             f"{nearest(parameter, every)}")
    for names, estimator, stated in having:
        _set_one(names[0], estimator, stated, parameter, value)


def _set_one(label: str, estimator: Any, stated: dict[str, Any], parameter: str, value: Any) -> None:
    known = estimator.get_params()
    if parameter not in known:
        raise ParameterError(f"{label} has no parameter {parameter!r}.{nearest(parameter, known)} It has: "
                             f"{listing(estimator.get_params(deep=False))}.")
    estimator.set_params(**{parameter: value})
    stated[parameter] = value


def _with_epochs(estimator: Any, stated: Mapping[str, Any], epochs: int | None, usual: int) -> tuple[Any, int | None]:
    """Return the estimator with its number of epochs, which is None if it must be fitted at once."""
    parameters = estimator.get_params(deep=False)
    if not hasattr(estimator, "partial_fit") or "max_iter" not in parameters:
        return estimator, None
    count = stated.get("max_iter", epochs)
    if count is None:
        default = inspect.signature(type(estimator)).parameters["max_iter"].default
        # one whose own default is fewer passes than are usual, such as one that solves for its weights, gets so many fewer
        few = default if isinstance(default, int) and default < EPOCHS else EPOCHS
        count = max(1, round(usual*few/EPOCHS)) if parameters["max_iter"] == default else parameters["max_iter"]
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ParameterError(f"{type(estimator).__name__}: epochs (max_iter) must be a whole number of at least 1, not "
                             f"{count!r}.")
    estimator.set_params(max_iter=count)
    # early stopping is the business of fit
    return estimator, None if parameters.get("early_stopping") else count
