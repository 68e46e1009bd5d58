"""Data of a comparison: sets by name, files of users, and what is said of files that do not fit."""

from __future__ import annotations

import gzip

import h5py
import numpy as np
import pytest

from neurosim.errors import NeurosimError, ParameterError, StorageError
from neurosim.learning.comparing.datasets import DATASETS, dataset
from neurosim.learning.comparing.user_data import read

X = np.arange(24.0).reshape(8, 3) / 7
WORDS = ["cat", "dog"] * 4


def csv_of(x, y, sep=",", head=None):
    lines = [sep.join([*(repr(float(v)) for v in row), str(a)]) for row, a in zip(x, y)]
    return "\n".join([*([sep.join(head)] if head else []), *lines]) + "\n"


def written(folder, text, name="some.csv"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name, samples, features, classes", [
    ("digits", 1797, 64, 10), ("breast-cancer", 569, 30, 2), ("wine", 178, 13, 3), ("iris", 150, 4, 3), ("moons", 1000, 2, 2),
    ("diabetes", 442, 10, 0), ("friedman1", 1000, 10, 0),
])
def test_known_sets(name, samples, features, classes):
    data = dataset(name)
    assert data.x.shape == (samples, features) and len(data.classes) == classes and data.numbers == (classes == 0)
    assert data.y.dtype == (np.int64 if classes else np.float64) and set(DATASETS) >= {name}
    assert dataset(name).fingerprint == data.fingerprint != dataset("iris" if name != "iris" else "wine").fingerprint


def test_names_of_classes():
    assert dataset("iris").classes == ("setosa", "versicolor", "virginica")
    assert dataset("digits").limits == (0.0, 16.0) and dataset("digits").x.max() == 16
    assert dataset("digits", task="numbers").y.max() == 9.0


@pytest.mark.parametrize("sep", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("head", [None, ["long", "wide", "high", "kind"]])
def test_csv_comes_back(tmp_path, sep, head):
    data = dataset(written(tmp_path, csv_of(X, WORDS, sep, head)))
    np.testing.assert_array_equal(data.x, X)
    assert [data.classes[k] for k in data.y] == WORDS


@pytest.mark.parametrize("label", ["kind", "2", 2, -3])
def test_answers_in_another_column(tmp_path, label):
    text = "a,kind,b,c\n" + "".join(f"{r[0]!r},{w},{r[1]!r},{r[2]!r}\n" for r, w in zip(X.tolist(), WORDS))
    data = dataset(str(written(tmp_path, text)), label=label)
    np.testing.assert_array_equal(data.x, X)
    assert data.classes == ("cat", "dog")


def test_csv_as_others_write_it(tmp_path):
    # gzip, byte order mark, comments, empty lines, quotes, lines of Windows
    text = "\ufeff# measured\r\n" + csv_of(X, ['"a, b"', '"c"'] * 4).replace("\n", "\r\n") + "\r\n"
    path = tmp_path / "some.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    data = dataset(path)
    np.testing.assert_array_equal(data.x, X)
    assert data.classes == ("a, b", "c")
    (tmp_path / "zipped.csv").write_bytes(path.read_bytes())
    assert dataset(tmp_path / "zipped.csv").classes == data.classes


def test_csv_of_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X).assign(label=[0, 1] * 4)
    for index in (True, False):
        frame.to_csv(tmp_path / "frame.csv", index=index)
        data = dataset(tmp_path / "frame.csv")
        np.testing.assert_allclose(data.x, X, rtol=1e-15)
        assert data.classes == ("0", "1")


def test_names_can_be_told(tmp_path):
    path = written(tmp_path, "1,2,3\n" + csv_of(X[:, :2], [0, 1] * 4))
    assert len(dataset(path).y) == 9 and len(dataset(path, header=True).y) == 8
    # a file of one column of features, whose names are numbers
    assert len(dataset(path, header=False, label=1, task="numbers").y) == 9


def test_classes_or_numbers(tmp_path):
    few, many = [0, 1, 2, 3] * 10, list(range(40))
    x = np.arange(80.0).reshape(40, 2)
    assert dataset((x, few)).classes == ("0", "1", "2", "3")
    assert dataset((x, many)).numbers and dataset((x, np.array(few) + 0.5)).numbers
    assert dataset((x, few), task="numbers").numbers and len(dataset((x, many), task="classes").classes) == 40
    path = written(tmp_path, csv_of(x, few))
    assert len(dataset(path).classes) == 4 and dataset(path, task="numbers").numbers
    assert dataset((x, np.array(few) + 1_000_001)).classes[:2] == ("1000001", "1000002")
    assert dataset((x, np.array(few, dtype=bool))).classes == ("0", "1")


@pytest.mark.parametrize("x_name, y_name, label", [("X", "y", None), ("data", "target", None), ("stuff", "labels", None),
                                                   ("x", "kind", "kind")])
def test_arrays_come_back(tmp_path, x_name, y_name, label):
    images = X.reshape(8, 3, 1)
    np.savez_compressed(tmp_path / "a.npz", **{x_name: images, y_name: np.array(WORDS)})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[x_name], file[y_name] = images, WORDS
    for name in ("a.npz", "a.h5"):
        data = dataset(tmp_path / name, label=label)
        np.testing.assert_array_equal(data.x, X)
        assert [data.classes[k] for k in data.y] == WORDS


def test_arrays_in_groups(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["some/X"], file["some/y"], file["other"] = X, WORDS, np.zeros(3)
    np.testing.assert_array_equal(dataset(tmp_path / "a.hdf5").x, X)


@pytest.mark.parametrize("text, options, words", [
    ("a,b,kind\n1,2,x\n3,abc,y\n", {}, ["line 3", "column 2 ('b')", "'abc' is not a number", "Turn texts"]),
    ("1,2,x\n3,abc,y\n", {}, ["line 2", "column 2:", "'abc'"]),
    ("1;2,5;x\n3;4,5;y\n", {}, ["line 1", "column 2", "decimals with a point"]),
    ("1,2,x\n3,,y\n", {}, ["line 2", "column 2", "missing", "Fill it in"]),
    ("1,2,x\n3,nan,y\n", {}, ["line 2", "column 2", "missing"]),
    ("1,2,x\n3,inf,y\n", {}, ["line 2", "column 2", "not finite"]),
    ("1,2,x\n3,4,\n", {}, ["line 2", "column 3", "answer is missing"]),
    ("1,2,1.5\n3,4,inf\n", {}, ["line 2", "column 3", "answer inf is not finite"]),
    ("1,2,1.5\n3,4,hot\n", {"task": "numbers"}, ["line 2", "column 3", "'hot' is not a number"]),
    ("1,2,x\n\n3,4\n", {}, ["line 3", "2 columns, but 3 in line 1"]),
    ("1,2,x\n3,4,x\n", {}, ["every answer is 'x'", "right column", "label"]),
    ("a,b,kind\n1,2,x\n3,4,y\n", {"label": "kindd"}, ["no column 'kindd'", "Did you mean 'kind'", "a, b, kind"]),
    ("1,2,x\n3,4,y\n", {"label": 4}, ["no column 4", "from 1 to 3"]),
    ("a;b;kind\n1,5;2,5;x\n3,5;4,5;y\n", {}, ["line 2", "column 1 ('a')", "decimals with a point"]),
    ("a,b,kind\n", {}, ["names of columns, but no lines"]),
    ("a,b,kind\n", {"header": True}, ["names of columns, but no lines"]),
    ("# nothing\n\n", {}, ["no lines of data"]),
    ("1\n2\n", {}, ["one column only", "semicolon"]),
    ('1,2,x\n3,"4,y\n', {}, ["columns, but 3"]),
])
def test_what_is_said_of_a_table(tmp_path, text, options, words):
    path = written(tmp_path, text)
    with pytest.raises(ParameterError) as said:
        dataset(path, **options)
    assert all(word in str(said.value) for word in [str(path), *words]), said.value


def test_what_is_said_of_files(tmp_path):
    def message(name, content, kind=StorageError, **options):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(kind) as said:
            dataset(path, **options)
        assert str(path) in str(said.value)
        return str(said.value)

    np.savez(tmp_path / "good.npz", X=X, y=WORDS)
    np.savez(tmp_path / "objects.npz", X=X, y=np.array(WORDS, dtype=object))
    zipped = (tmp_path / "good.npz").read_bytes()
    assert "is empty" in message("a.csv", b"")
    assert "not a CSV file (text) as its ending says; by its content it may be an NPZ" in message("b.csv", zipped)
    assert "not an NPZ file (zip) as its ending says" in message("c.npz", b"1,2,x\n")
    assert "not an HDF5 file as its ending says" in message("d.h5", b"1,2,x\n")
    assert "cannot be read as an NPZ" in message("e.npz", zipped[:100])
    assert "damaged" in message("f.npz", zipped.replace(X.tobytes()[40:80], b"\0" * 40))
    assert "cannot be read as an HDF5" in message("g.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 50)
    assert "no text in UTF-8 (byte 2)" in message("h.csv", b"1,\xff,x\n")
    assert "damaged" in message("i.csv.gz", gzip.compress(b"1,2,x\n" * 100)[:-12])
    assert "Python objects" in message("objects.npz", (tmp_path / "objects.npz").read_bytes(), ParameterError)
    assert "no array 'z'" in message("good.npz", zipped, ParameterError, label="z")
    assert "arrays have names" in message("good.npz", zipped, ParameterError, label=3)
    np.savez(tmp_path / "unnamed.npz", X, X, np.arange(8))
    assert "holds: arr_0, arr_1, arr_2" in message("unnamed.npz", (tmp_path / "unnamed.npz").read_bytes(), ParameterError)
    with pytest.raises(StorageError, match="is a folder"):
        read(tmp_path)
    for name in ("absent.csv", str(tmp_path / "absent")):
        with pytest.raises(StorageError, match="There is no file"):
            dataset(name)


@pytest.mark.parametrize("data, options, words", [
    ("digit", {}, "no data 'digit'. Did you mean 'digits'"),
    (3, {}, "data is int"),
    ((X, WORDS), {"task": "class"}, "'classes' or 'numbers'"),
    ((X, WORDS[:-1]), {}, "8 samples, but 7 answers"),
    ((X[:, 0], WORDS), {}, "shape (8,)"),
    ((np.zeros((0, 3)), []), {}, "neither of them 0"),
    ((X, np.eye(8)), {}, "argmax"),
    ((np.where(X > 3, np.nan, X), WORDS), {}, "2 values are NaN or infinite, the first in sample 7, feature 1"),
    (([["a"]] * 8, WORDS), {}, "not numbers"),
    ((X, [1.0] * 7 + [np.nan]), {}, "answer to sample 7"),
    ((X, ["x"] * 8), {}, "every answer is 'x'"),
    ((X, WORDS), {"task": "numbers"}, "texts such as 'cat'"),
])
def test_what_is_said_of_arrays(data, options, words):
    with pytest.raises(NeurosimError) as said:
        dataset(data, **options)
    assert words in str(said.value)
