"""Connections: functions decoded from ensembles, linear transforms, direct weights between neurons, with synaptic filters.

    decoded:  x_post += T (h * (D^T a)),    D = argmin ||A D - f(X)||^2 + ...
    weights:  J_post += W (h * a)

h: synaptic filter, a: activities in Hz, T: transform.

Source: Eliasmith & Anderson 2003, Neural Engineering, MIT Press (isbn 9780262550604).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import NetworkError, ParameterError, listing
from neurosim.nef.ensemble import Ensemble, EnsembleArray, Neurons, few_points, is_sampler, points_of
from neurosim.nef.filters import LinearFilter, Lowpass
from neurosim.nef.functions import evaluate
from neurosim.nef.node import Kind, Node
from neurosim.nef.parts import End, Part, a_name, chosen, numbers, whole
from neurosim.nef.solvers import L2
from neurosim.nef.sphere import ScatteredBall

#: points at which a function is tried when the connection is described and its evaluation points are not known yet
TRIED = 8


class Adapts(Enum):
    """What a learning rule changes."""

    DECODERS = "decoders"
    ENCODERS = "encoders"
    WEIGHTS = "weights"


class LearningRule:
    """Common part of the learning rules of connections.

    Attributes:
        adapts: what it changes.
        takes_error: whether it needs an error signal, connected to ``connection.error``.
    """

    adapts: ClassVar[Adapts] = Adapts.DECODERS
    takes_error: ClassVar[bool] = False


@dataclass(frozen=True, eq=False)
class Connection:
    """A connection from one object, or a part of it, to another.

    Args:
        pre: ensemble, ensemble array, node, neurons of an ensemble, or a part of one.
        post: the same, or the error of a learning connection: ``Connection(error, learned.error)``.
        function: f(x) to decode from an ensemble: a function of a point (d,) or of points (m, d), or an array (m, k) of
            values at eval_points.  None: x itself.  From an array it acts on each ensemble.
        transform: T, applied to the decoded value: a number, a vector (diagonal), a matrix (size_out, size_mid), sparse too.
        synapse: a filter, or a number: ``Lowpass`` of that many ms.  None: no filter - at once between nodes, after one step
            from neurons.
        solver: finds the decoders; see ``nef.L2``.
        eval_points: points for these decoders only: array (m, d) or a sampler; None: those of the ensemble.
        weights: True: the full matrix of weights (n_post, n_pre) between two ensembles instead of decoders and encoders.
        learning: learning rule or a list of them.
        name: for messages and results; None: "pre->post".

    Raises:
        NetworkError: for ends that cannot be connected and sizes that do not fit.
        ParameterError: for a function that returns another shape than elsewhere or is not finite at an evaluation point,
            which is named; a negative time constant; arrays of wrong shape.
    """

    pre: End
    post: End
    _: KW_ONLY
    function: Any = None
    transform: Any = None
    synapse: Any = field(default_factory=lambda: Lowpass(5.0))
    solver: Any = field(default_factory=L2)
    eval_points: Any = None
    weights: bool = False
    learning: Any = None
    name: str | None = None

    def __post_init__(self):
        a_name(self.name, "Connection")
        put = lambda key, value: object.__setattr__(self, key, value)
        for side in ("pre", "post"):
            self._check_end(side, getattr(self, side))
        pre, pre_part = whole(self.pre)
        post, post_part = whole(self.post)
        put("source", pre)
        put("target", post)
        put("pre_indices", chosen(pre_part, pre.size_out))
        put("post_indices", chosen(post_part, post.size_in))
        self._check_sides()
        put("synapse", as_synapse(self.synapse, self.describe()))
        if not callable(self.solver) or isinstance(self.solver, type):
            raise ParameterError(f"{self.describe()}: solver must be a solver such as nef.L2(), not {self.solver!r:.60}.")
        decoded = isinstance(pre, (Ensemble, EnsembleArray))
        self._check_decoding(put, decoded)
        put("size_mid", decoded_size(self.function, pre, self.pre_indices, self.eval_points, self.describe())
            if decoded else len(self.pre_indices))
        put("transform", self._checked_transform())
        self._check_weights()
        put("learning", self._checked_rules())

    @property
    def size_in(self) -> int:
        """Numbers that it takes from pre."""
        return len(self.pre_indices)

    @property
    def size_out(self) -> int:
        """Numbers that it gives to post."""
        return len(self.post_indices)

    @property
    def decoded(self) -> bool:
        """Whether it starts at the represented value of ensembles."""
        return isinstance(self.source, (Ensemble, EnsembleArray))

    @property
    def error(self) -> ErrorPort:
        """Where the error signal of its learning rule goes: size_out numbers.

        Raises:
            NetworkError: if it has no rule that takes an error.
        """
        if not any(rule.takes_error for rule in self.learning):
            raise NetworkError(f"{self.describe()} has no learning rule that takes an error. Give one with learning=.")
        return ErrorPort(self)

    def describe(self) -> str:
        """Return how messages call it."""
        if self.name:
            return f"Connection {self.name!r}"
        ends = [e.describe() if isinstance(e, End) else repr(e) for e in (self.pre, self.post)]
        return f"Connection from {ends[0]} to {ends[1]}"

    def matrix(self):
        """Return T as a matrix (size_out, size_mid), a NumPy array or in SciPy's CSR form."""
        t = self.transform
        if t is not None and not isinstance(t, np.ndarray):
            return t
        if t is not None and t.ndim == 2:
            return t
        from scipy.sparse import diags_array

        diagonal = np.ones(self.size_mid) if t is None else np.broadcast_to(t, (self.size_mid,))
        return diags_array(diagonal, format="csr")

    def _check_end(self, side: str, end: Any) -> None:
        owner = end.owner if isinstance(end, Part) else end
        if not isinstance(owner, (Ensemble, EnsembleArray, Node, Neurons, ErrorPort)):
            hint = "Give an ensemble, an ensemble array, a node, the neurons of an ensemble, or a part of one."
            if hasattr(owner, "ports"):
                hint = f"Give one of its ports: {listing(owner.ports)}."
            elif isinstance(owner, Connection):
                hint = "The error of a learning connection is connection.error."
            raise NetworkError(f"A connection cannot {'begin' if side == 'pre' else 'end'} at {type(owner).__name__} "
                               f"{getattr(owner, 'name', None) or repr(owner)[:60]!r}. {hint}")

    def _check_sides(self) -> None:
        if not self.source.size_out:
            raise NetworkError(f"{self.describe()}: {self.source.describe()} gives nothing: its size_out is 0.")
        if not self.target.size_in:
            raise NetworkError(f"{self.describe()}: {self.target.describe()} takes nothing. Only relays (output None) and "
                               "functions f(t, x) with size_in= do.")
        repeated, counts = np.unique(self.post_indices, return_counts=True)
        if (counts > 1).any():
            raise NetworkError(f"{self.describe()}: dimension {repeated[np.argmax(counts > 1)]} of its end is named twice. Use "
                               "transform= to add two values.")

    def _check_decoding(self, put, decoded: bool) -> None:
        if not decoded:
            if self.function is not None:
                if isinstance(self.source, Neurons):
                    raise NetworkError(f"{self.describe()}: neurons have no decoders; connect from the ensemble itself.")
                remedy = {Kind.RELAY: "Send the value to an ensemble and decode the function from that.",
                          Kind.CALLBACK: "Apply it within the node's own function."}
                raise NetworkError(f"{self.describe()}: a function is decoded from an ensemble; {self.source.describe()} has "
                                   f"no decoders. {remedy.get(self.source.kind, 'Apply it to the values of the node.')}")
            if self.eval_points is not None:
                raise NetworkError(f"{self.describe()}: eval_points are for decoders, which {self.source.describe()} has not.")
            return
        size = self.source.dimensions if isinstance(self.source, Ensemble) else self.source.ens_dimensions
        if self.eval_points is not None and not is_sampler(self.eval_points):
            put("eval_points", points_of(self.eval_points, size, self.describe()))
            few_points(len(self.eval_points), size, self.describe())
        if self.function is not None and not callable(self.function):
            values = numbers(self.function, f"{self.describe()}: function", "Give a function, or an array (m, k) of values at "
                             "eval_points.")
            put("function", values[:, None] if values.ndim == 1 else values)

    def _checked_transform(self) -> Any:
        t, sizes = self.transform, (self.size_out, self.size_mid)
        what = f"{self.describe()}: transform"
        mid = f"the function gives {sizes[1]}" if self.function is not None else f"{self.pre.describe()} gives {sizes[1]}"
        if t is None or np.ndim(t) < 2 and not _is_sparse(t):
            if t is not None:
                t = numbers(t, what, "Give a number, a vector or a matrix.")
                if t.ndim == 1 and t.size != sizes[1]:
                    raise NetworkError(f"{what} is a vector of {t.size}, but {mid} numbers. A vector is the diagonal: give "
                                       f"{sizes[1]} numbers, or a matrix of shape {sizes}.")
            if sizes[0] != sizes[1]:
                raise NetworkError(f"{self.describe()}: {mid} {'number' if sizes[1] == 1 else 'numbers'}, but "
                                   f"{self.post.describe()} takes {sizes[0]}. Give transform= a matrix of shape {sizes}, or "
                                   "connect a part of it, such as x[0] or x[:2].")
            return t
        if _is_sparse(t):
            from scipy.sparse import csr_array

            t = csr_array(t, dtype=float)
            numbers(t.data, what, "Give finite numbers.")
        else:
            t = numbers(t, what, "Give a number, a vector or a matrix.")
        if t.shape != sizes:
            raise NetworkError(f"{what} has shape {t.shape}, but {mid} and {self.post.describe()} takes {sizes[0]}: it must be "
                               f"{sizes}, (size_out, size_mid).")
        return t

    def _check_weights(self) -> None:
        if not isinstance(self.weights, (bool, np.bool_)):
            raise ParameterError(f"{self.describe()}: weights must be True or False, not {self.weights!r:.60}. A matrix of "
                                 "weights between neurons is the transform= of Connection(a.neurons, b.neurons).")
        if self.weights and not (isinstance(self.source, Ensemble) and isinstance(self.target, Ensemble)):
            raise NetworkError(f"{self.describe()}: weights=True is for connections between two ensembles.")

    def _checked_rules(self) -> tuple[LearningRule, ...]:
        rules = () if self.learning is None else self.learning
        rules = tuple(rules) if isinstance(rules, Iterable) else (rules,)
        for rule in rules:
            if not isinstance(rule, LearningRule):
                raise ParameterError(f"{self.describe()}: learning must be a learning rule or a list of them, not "
                                     f"{rule!r:.60}.")
            self._check_rule(rule)
        changed = [rule.adapts for rule in rules]
        for rule in rules:
            if changed.count(rule.adapts) > 1:
                raise NetworkError(f"{self.describe()}: {changed.count(rule.adapts)} rules change its {rule.adapts.value}, one "
                                   "can. Give the others to connections of their own.")
        return rules

    def _check_rule(self, rule: LearningRule) -> None:
        """Check that there is what a rule changes."""
        what = f"{self.describe()}: {type(rule).__name__} changes {rule.adapts.value}"
        if rule.adapts is Adapts.ENCODERS and not isinstance(self.target, Ensemble):
            raise NetworkError(f"{what}: the connection must end at an ensemble, not at {self.target.describe()}.")
        if rule.adapts is Adapts.DECODERS and (self.weights or not isinstance(self.source, Ensemble)):
            hint = (" Learn from each of array.ensembles." if isinstance(self.source, EnsembleArray) else
                    " With weights=True there are none; leave it out." if self.weights else "")
            raise NetworkError(f"{what}: the connection must begin at an ensemble.{hint}")
        if rule.adapts is Adapts.WEIGHTS and not self.weights:
            if not (isinstance(self.source, Neurons) and isinstance(self.target, Neurons)):
                raise NetworkError(f"{what}: the connection must be one between neurons, Connection(a.neurons, b.neurons), or "
                                   "have weights=True.")
            if (self.size_in, self.size_out) != (self.source.size_out, self.target.size_in):
                raise NetworkError(f"{what}: they learn between all neurons of two ensembles, not between parts of them.")


@dataclass(frozen=True)
class ErrorPort(End):
    """The error signal of a learning connection, as the end of other connections.

    Args:
        connection: the one that learns.
    """

    connection: Connection

    @property
    def size_in(self) -> int:
        """Numbers that the learning connection gives."""
        return self.connection.size_out

    @property
    def name(self) -> str | None:
        """Name of the connection with ``.error``, or None."""
        return self.connection.name and f"{self.connection.name}.error"

    def describe(self) -> str:
        """Return how messages call it."""
        return f"the error of {self.connection.describe()}"


def as_synapse(synapse: Any, what: str) -> LinearFilter | None:
    """Return a filter, or None for no filter, from a filter, a time constant in ms or None.

    Raises:
        ParameterError: for a negative time constant and what is not a filter.
    """
    if synapse is None or isinstance(synapse, LinearFilter):
        return synapse
    if isinstance(synapse, (bool, np.bool_)) or not isinstance(synapse, (int, float, np.number)):
        raise ParameterError(f"{what}: synapse must be a time constant in ms, a filter such as nef.Lowpass(5.0), or None; not "
                             f"{synapse!r:.60}.")
    if not 0 <= synapse < np.inf:
        raise ParameterError(f"{what}: the time constant of the synapse is {synapse} ms; it must not be negative and must be "
                             "finite.")
    return Lowpass(float(synapse)) if synapse > 0 else None


def decoded_size(function: Any, source: Any, indices: np.ndarray, eval_points: Any, what: str) -> int:
    """Return how many numbers a function gives that is decoded from an ensemble or an array, trying it where it can be tried.

    Raises:
        NetworkError: for a part of an array that cuts through ensembles.
        ParameterError: for functions that do not fit their evaluation points.
    """
    if function is None:
        return len(indices)
    if isinstance(source, EnsembleArray):
        who = ensembles_of(source, indices, what)
        if not callable(function):
            raise NetworkError(f"{what}: function is an array of values at evaluation points, which are not the same for all "
                               "ensembles of an array. Connect each of array.ensembles by itself.")
        # all of them are described alike
        return decoded_size(function, source.ensembles[0], np.arange(source.ens_dimensions), eval_points, what) * len(who)
    points = eval_points if eval_points is not None else source.eval_points
    if not callable(function):
        if function.ndim != 2 or not function.size:
            raise ParameterError(f"{what}: function has shape {function.shape}; an array of values must be (m, k).")
        if is_sampler(points):
            raise ParameterError(f"{what}: function is an array of values at evaluation points, which are drawn here. Give the "
                                 "points as an array with eval_points=.")
        if len(points) != len(function):
            raise ParameterError(f"{what}: function has {len(function)} rows, but there are {len(points)} evaluation points. "
                                 "Give a row for each.")
        return function.shape[1]
    if is_sampler(points):
        points = ScatteredBall().sample(TRIED, source.dimensions, np.random.default_rng(0)) * source.radius
    return evaluate(function, points[:, indices], what).shape[1]


def ensembles_of(array: EnsembleArray, indices: np.ndarray, what: str) -> list[int]:
    """Return which ensembles of an array some of its dimensions are, for functions that act on each.

    Raises:
        NetworkError: if the dimensions are not those of whole ensembles.
    """
    d = array.ens_dimensions
    rows = indices.reshape(-1, d) if len(indices) % d == 0 else None
    if rows is None or (rows != rows[:, :1] + np.arange(d)).any() or (rows[:, 0] % d).any():
        raise NetworkError(f"{what}: a function acts on each ensemble of an array, and this part of {array.describe()} cuts "
                           "through ensembles. Take all dimensions of each, or connect from array.ensembles[k].")
    return (rows[:, 0] // d).tolist()


def _is_sparse(value: Any) -> bool:
    return hasattr(value, "tocsr")
