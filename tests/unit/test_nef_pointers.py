"""Semantic pointers against the definition of circular convolution, written out."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import NeurosimWarning, ParameterError
from neurosim.nef.networks.circular_convolution import transforms
from neurosim.nef.pointers import Pointer, Vocabulary, identity


def convolved(a, b):
    """The definition, sum by sum."""
    d = len(a)
    return np.array([sum(a[j] * b[(k - j) % d] for j in range(d)) for k in range(d)])


@pytest.mark.parametrize("d", [1, 2, 3, 8, 15])
def test_binding_is_circular_convolution(d):
    rng = np.random.default_rng(d)
    a, b, c = (Pointer(rng.standard_normal(d)) for _ in range(3))
    # d products of order 1 by Fourier transforms: some eps each
    close = lambda p, q: np.testing.assert_allclose(np.asarray(p), np.asarray(q), atol=1e-13 * d)
    close(a * b, convolved(a.vector, b.vector))
    close(a * b, b * a)
    close((a * b) * c, a * (b * c))
    close(a * (b + c), a * b + a * c)
    close(a * identity(d), a)
    close(~(a * b), ~a * ~b)
    close(~~a, a)
    assert (a * b) @ c == pytest.approx(b @ (~a * c))
    u = a.unitary()
    close(u * ~u, identity(d))
    assert (u * b).length == pytest.approx(b.length) and u.length == pytest.approx(1)


@pytest.mark.parametrize("d", [1, 2, 3, 8, 15])
@pytest.mark.parametrize("inverses", [(False, False), (True, False), (False, True), (True, True)])
def test_transforms_of_the_network_are_exact(d, inverses):
    """What the neural network multiplies: H ((F a) (G b)) is the convolution, with inverses where asked for."""
    rng = np.random.default_rng(d)
    a, b = rng.standard_normal((2, d))
    f, g, h = transforms(d, *inverses)
    assert len(f) <= 2 * d + 2
    first, second = (np.asarray(~Pointer(v)) if inverse else v for v, inverse in zip((a, b), inverses))
    np.testing.assert_allclose(h @ ((f @ a) * (g @ b)), convolved(first, second), atol=1e-13 * d)


def test_algebra_of_pointers():
    p, q = Pointer([3.0, 4.0], "P"), Pointer([1.0, 0.0], "Q")
    assert p.length == 5 and p.normalised().length == 1 and Pointer([0.0, 0.0]).normalised().length == 0
    assert p.compare(q) == pytest.approx(0.6) and p @ q == 3 and p.compare(Pointer([0.0, 0.0])) == 0
    np.testing.assert_array_equal((2 * p - q / 2).vector, [5.5, 8])
    np.testing.assert_array_equal((np.float64(2) * p).vector, [6, 8])
    np.testing.assert_array_equal((-p).vector, [-3, -4])
    assert (p * ~(p + q)).name == "P*~(P+Q)" and (0.5 * p).name == "0.5*P"
    with pytest.raises(ParameterError, match="2 and 3 dimensions"):
        p + Pointer([1.0, 2.0, 3.0])
    with pytest.raises(TypeError):
        p + 1
    with pytest.raises(ParameterError, match="shape"):
        Pointer([[1.0]])
    with pytest.raises(ParameterError, match="finite"):
        Pointer([np.nan])
    with pytest.raises(ValueError):
        p.vector[0] = 1


def test_vocabulary():
    v = Vocabulary(64, ["A", "B"], seed=3, max_similarity=0.1)
    v.add("C")
    v.add("AB", "A * B")
    v.add("ONE", identity(64))
    assert v.names == ("A", "B", "C", "AB", "ONE") and len(v) == 5 and "A" in v and "Z" not in v
    np.testing.assert_allclose(np.linalg.norm(v.vectors[:3], axis=1), 1, rtol=1e-14)
    assert np.abs(v.vectors[:3] @ v.vectors[:3].T - np.eye(3)).max() <= 0.1 + 1e-12
    np.testing.assert_array_equal(Vocabulary(64, ["A", "B", "C"], seed=3)["C"].vector, v["C"].vector)
    name, cosine = v.closest((v["AB"] * ~v["B"]).vector)
    # unbinding leaves noise of about the size of the pointer: its cosine with the truth is about 1/sqrt(2) (Plate 1995)
    assert name == "A" and 0.5 < cosine < 0.9
    np.testing.assert_allclose(v.parse("0.5*A*~B + C - -2*(A+B)/4").vector,
                               (0.5 * (v["A"] * ~v["B"]) + v["C"] + (v["A"] + v["B"]) / 2).vector, atol=1e-14)
    assert v.similarities(v["A"].vector)[0] == pytest.approx(1)
    assert Vocabulary(32, ["U"], unitary=True)["U"].length == pytest.approx(1)


@pytest.mark.parametrize("text, words", [
    ("A + Bx", ["no pointer 'Bx'", "Did you mean"]), ("A +", ["not an expression"]), ("A + 1", ["cannot be done"]),
    ("A ** 2", ["cannot be done"]), ("print(A)", ["cannot be done"]), ("A.vector", ["cannot be done"]), ("2", ["is a number"]),
    ("A / 0", ["cannot be done"]), ("A / B", ["cannot be done"]), ("'A'", ["cannot be done"]), ("~2 * A", ["cannot be done"]),
])
def test_expressions_that_cannot_be(text, words):
    v = Vocabulary(16, ["A", "Bxy"], max_similarity=1)
    v.add("B")
    with pytest.raises(ParameterError) as said:
        v.parse(text)
    for word in words:
        assert word in str(said.value)


def test_bad_vocabularies():
    v = Vocabulary(16, ["A"])
    for name in ("A", "a b", "", 3):
        with pytest.raises(ParameterError, match="Vocabulary"):
            v.add(name)
    with pytest.raises(ParameterError, match="shape"):
        v.add("B", np.ones(3))
    with pytest.raises(KeyError, match="Known: A"):
        v["Z"]
    with pytest.raises(ParameterError, match="no pointers"):
        Vocabulary(4).closest(np.ones(4))
    with pytest.warns(NeurosimWarning, match="more dimensions"):
        Vocabulary(2, "ABC", max_similarity=0.01)
