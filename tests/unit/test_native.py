"""Machine code is called with what it was compiled for, or not at all: a wrong array would be read or written elsewhere."""

import numpy as np
import pytest

from neurosim.codegen import native, store

#: every kind of argument; float32 is told from float64 by `single`
SOURCE = '''"""test of arguments: {title}"""
from neurosim.kernels.jit import entry


@entry
def gather(step0, n_steps, real, whole, double, long, middle, short, a_real, a_long, out):
    """Write all arguments to out."""
    out[0] = step0
    out[1] = n_steps
    out[2] = real[1]
    out[3] = whole[1]
    out[4] = double[1]
    out[5] = long[1]
    out[6] = middle[1]
    out[7] = short[1]
    out[8] = a_real
    out[9] = a_long
    out[10] = real.size + 10 * short.size
'''
SIGNATURE = "RKDQIHdqD"

pytestmark = pytest.mark.skipif(store.interpreted(), reason="plain Python checks its arguments itself")


@pytest.fixture(scope="module", params=[False, True], ids=["float64", "float32"])
def made(request):
    single = request.param
    return single, store.load(SOURCE.format(title=single), single, "gather", SIGNATURE)


def arguments(single):
    real, integer = (np.float32, np.int32) if single else (np.float64, np.int64)
    return [np.array([0, 1.5], real), np.array([0, -7], integer), np.array([0, 2.5]), np.array([0, -(2**40)]),
            np.array([0, -(2**30)], np.int32), np.array([0, 65535], np.uint16), -0.125, -(2**50), np.zeros(11)]


def test_every_kind_of_argument_arrives(made):
    single, function = made
    assert isinstance(function, native.Native) and function.address
    given = arguments(single)
    job = function.bind(*given)
    job(3, -4)
    wanted = [3, -4, 1.5, -7, 2.5, -(2**40), -(2**30), 65535, -0.125, -(2**50), 2 + 20]
    assert given[-1].tolist() == wanted
    # the arrays themselves are seen, not copies, and other steps need no new binding
    given[0][1], given[3][1] = 8.0, 2**62
    job(5, 6)
    assert given[-1][[0, 1, 2, 5]].tolist() == [5, 6, 8.0, 2**62]


WORDS = '''"""test of words of 64 bits"""
from neurosim.kernels.jit import entry


@entry
def mix(step0, n_steps, word, words, out):
    """Turn a word over and write what is left of another one divided by 3: both have their highest bit set."""
    out[0] = word ^ words[1]
    out[1] = words[1] // words[2]
'''


def test_words_of_64_bits_have_no_sign():
    out = np.zeros(2, np.uint64)
    high = 2**64 - 1
    store.load(WORDS, False, "mix", "uUU").bind(np.uint64(high), np.array([0, high - 5, 3], np.uint64), out)(0, 1)
    assert [int(v) for v in out] == [5, (high - 5) // 3]


def test_numpy_scalars_and_large_numbers(made):
    single, function = made
    for a_real, a_long in ((np.float64(0.1), np.int64(-3)), (np.float32(0.5), np.uint64(2**63 - 1)), (0.0, 0),
                           (float("inf"), -(2**63)), (1e-320, 2**62)):
        given = arguments(single)
        given[6:8] = a_real, a_long
        function.bind(*given)(0, 1)
        # out is float64
        assert given[-1][8] == float(a_real) and given[-1][9] == float(int(a_long))


def test_arrays_stay_alive_as_long_as_the_job(made):
    single, function = made
    job = function.bind(*arguments(single))
    assert job.arguments[-1].size == 11
    job(1, 2)
    assert job.arguments[-1][:2].tolist() == [1, 2]


WRONG = {
    "float of the other size": lambda a, single: a.astype(np.float64 if single else np.float32),
    "big-endian": lambda a, single: a.astype(a.dtype.newbyteorder(">")),
    "complex": lambda a, single: a.astype(complex),
    "booleans": lambda a, single: a.astype(bool),
    "list": lambda a, single: a.tolist(),
    "number": lambda a, single: a[1].item(),
    "NumPy scalar": lambda a, single: a[1],
    "None": lambda a, single: None,
    "every second element": lambda a, single: np.repeat(a, 2)[::2],
    "backwards": lambda a, single: a[::-1],
    "column of a matrix": lambda a, single: np.stack([a, a], axis=1)[:, 0],
    "Fortran order": lambda a, single: np.asfortranarray(np.stack([a, a, a])),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_array_is_refused(made, name):
    single, function = made
    for k in (0, 1, 2, 3, 4, 5, 8):
        given = arguments(single)
        if name == "float of the other size" and k not in (0, 2, 8):
            continue
        wrong = WRONG[name](given[k], single)
        if isinstance(wrong, np.ndarray) and wrong.dtype == given[k].dtype and wrong.flags.c_contiguous:
            # float64 where it is wanted
            continue
        given[k] = wrong
        with pytest.raises(TypeError, match=rf"argument {k} of a compiled function is .*, not {arguments(single)[k].dtype}"):
            function.bind(*given)


def test_integers_of_another_size_are_refused(made):
    single, function = made
    for k, dtype in ((1, np.int64 if single else np.int32), (3, np.int32), (3, np.uint64), (4, np.int64), (4, np.uint32),
                     (5, np.int16), (5, np.uint8)):
        given = arguments(single)
        given[k] = given[k].astype(dtype)
        with pytest.raises(TypeError, match=f"argument {k} of a compiled function is {np.dtype(dtype)}, not"):
            function.bind(*given)


def test_an_array_in_the_place_of_a_number_is_refused(made):
    single, function = made
    for k in (6, 7):
        given = arguments(single)
        given[k] = np.array([given[k]])
        with pytest.raises(TypeError, match=f"argument {k} of a compiled function is "):
            function.bind(*given)


@pytest.mark.parametrize("n", [0, 8, 10])
def test_the_number_of_arguments_counts(made, n):
    single, function = made
    given = (arguments(single) * 2)[:n]
    with pytest.raises(TypeError, match=f"takes 9 arguments, not {n}"):
        function.bind(*given)


def test_empty_and_read_only_arrays_are_bound(made):
    single, function = made
    given = arguments(single)
    given[0].flags.writeable = False
    function.bind(*given)(0, 1)
    assert given[-1][2] == 1.5
    given[1] = given[1][:0]
    assert function.bind(*given).cells is not None


def test_code_that_needs_more_than_a_c_library_runs_by_numba():
    """A new array needs memory from Numba's run-time system, which stored code must not need."""
    source = ('"""test of what cannot be stored"""\nimport numpy as np\nfrom neurosim.kernels.jit import entry\n\n\n@entry\n'
              "def sums(step0, n_steps, out):\n    kept = [np.ones(n_steps)]\n    for _ in range(step0):\n"
              "        kept.append(np.ones(n_steps))\n    for a in kept:\n        out[0] += a.sum()\n")
    function = store.load(source, False, "sums", "D")
    out = np.zeros(1)
    function.bind(out)(4, 3)
    assert isinstance(function, native.Interpreted) and out[0] == 15.0


def test_a_seal_tells_damaged_code():
    code = bytes(range(200))
    assert native.unseal(native.seal(code)) == code
    sealed = native.seal(code)
    for damaged in (b"", sealed[:32], sealed[:-1], sealed + b"x", bytes([sealed[0] ^ 1]) + sealed[1:], code):
        assert native.unseal(damaged) is None


def test_kinds_of_arguments():
    for single, real, integer in ((False, "float64", "int64"), (True, "float32", "int32")):
        assert {k: str(v) for k, v in native.kinds_of(single).items()} == {
            "r": real, "k": integer, "d": "float64", "q": "int64", "i": "int32", "h": "uint16", "u": "uint64"}
