"""LIBSVM is read in bulk and line by line, with the same result; what is wrong is named."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from runtime.data import libsvm
from runtime.errors import InputError
from runtime.training.booster_parameters import BoosterParameters
from runtime.training.channels import Channel
from runtime.training.labelled import read_labelled

NAN = np.nan


def channel(folder, **files):
    (folder / "train").mkdir()
    for name, content in files.items():
        (folder / "train" / name).write_bytes(content)
    return Channel("train", folder / "train", "text/x-libsvm; charset=utf-8")


def dense(matrix):
    """Return the matrix with nan for what is not in it."""
    found = np.full(matrix.shape, NAN)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    found[rows, matrix.indices] = matrix.data
    return found


def test_files_are_read_as_one_and_what_is_left_out_is_missing(tmp_path):
    data = read_labelled(channel(tmp_path, a=b"1 0:0.5 2:0\n-1\n", b=b"0 1:-3e2\r\n\n# no row\n"), BoosterParameters())
    np.testing.assert_array_equal(data.labels, [1, -1, 0])
    np.testing.assert_array_equal(dense(data.features), [[0.5, NAN, 0], [NAN] * 3, [NAN, -300, NAN]])


def test_a_compressed_file_is_read(tmp_path):
    folder = tmp_path / "train"
    folder.mkdir()
    (folder / "a.gz").write_bytes(gzip.compress(b"1 1:2\n"))
    data = read_labelled(Channel("train", folder, "text/libsvm"), BoosterParameters())
    np.testing.assert_array_equal(dense(data.features), [[NAN, 2]])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"1 2:x", "'2:x': 'x' is not a number"),
        (b"1 2", "expected index:value, not '2'"),
        (b"1 -1:2", "expected index:value, not '-1:2'"),
        (b"1 1.0:2", "expected index:value, not '1.0:2'"),
        (b"1 2147483648:2", "expected index:value, not '2147483648:2'"),
        (b"1 2:1 2:2", "the indices do not ascend"),
        (b"1 qid:3 2:1", "expected index:value, not 'qid:3'"),
        (b"1 2:1e39", "'1e39' is too large for float32"),
        (b"1:2 2:1", "expected a label before '1:2'"),
        (b"one 2:1", "'one' is not a number"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path, line, message):
    with pytest.raises(InputError, match=f"train/rows, line 3: ({message})"):
        read_labelled(channel(tmp_path, rows=b"1 0:1\n\n" + line + b"\n"), BoosterParameters())


@given(some.text(alphabet="01 :\n.-e#", max_size=40))
def test_bulk_is_never_other_than_line_by_line(text):
    content = f"{text}\n".encode()
    found = libsvm.in_bulk(content)
    if found is not None:
        for one, other in zip(found, libsvm.line_by_line(content, "", 1, labels=True), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("end", [b"\n", b" \n"])
def test_plain_rows_are_read_in_bulk(end):
    found = libsvm.in_bulk(end.join([b"1 0:0.5 7:1", b"0", b"-1 3:2", b""]))
    np.testing.assert_array_equal(dense(found.matrix())[:, [0, 3, 7]], [[0.5, NAN, 1], [NAN] * 3, [NAN, 2, NAN]])
