"""LIBSVM is read in bulk and line by line, with the same result; what is wrong is named."""

import gzip
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from runtime.data import libsvm
from runtime.errors import InputError
from runtime.testing import train_on_hosts
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
        (b"1 2:1 qid:3", "expected index:value, not 'qid:3'"),
        (b"1 qid:x 2:1", "expected qid:number, not 'qid:x'"),
        (b"1 qid:1.5 2:1", "expected qid:number, not 'qid:1.5'"),
        (b"1 2:1e39", "'1e39' is too large for float32"),
        (b"1:2 2:1", "expected a label before '1:2'"),
        (b"one 2:1", "'one' is not a number"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path, line, message):
    with pytest.raises(InputError, match=f"train/rows, line 3: ({message})"):
        read_labelled(channel(tmp_path, rows=b"1 0:1\n\n" + line + b"\n"), BoosterParameters())


TOKENS = ("1", "0:1", "7:.5", "qid:3", "qid:", "qid:1.0", "2147483647:1", "x", " ", " ", ":", "\n", "\n", "#")


@given(some.text(alphabet="01 :\n.-e#", max_size=40) | some.lists(some.sampled_from(TOKENS)).map("".join))
def test_bulk_is_never_other_than_line_by_line(text):
    content = f"{text}\n".encode()
    found = libsvm.in_bulk(content)
    if found is not None:
        for one, other in zip(found, libsvm.line_by_line(content, "", 1, labels=True), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("end", [b"\n", b" \n"])
def test_plain_rows_are_read_in_bulk(end):
    found = libsvm.in_bulk(end.join([b"1 0:0.5 7:1", b"0", b"-1 3:2", b""]))
    np.testing.assert_array_equal(dense(found.matrix(8))[:, [0, 3, 7]], [[0.5, NAN, 1], [NAN] * 3, [NAN, 2, NAN]])


def test_queries_are_read_in_bulk_and_need_not_be_in_requests():
    found = libsvm.in_bulk(b"1 qid:3 0:0.5 7:1\n0 qid:3\n-1 qid:12 3:2\n")
    np.testing.assert_array_equal(found.queries, [3, 3, 12])
    np.testing.assert_array_equal(dense(found.matrix(8))[:, [0, 3, 7]], [[0.5, NAN, 1], [NAN] * 3, [NAN, 2, NAN]])
    np.testing.assert_array_equal(dense(libsvm.decode(b"qid:3 0:0.5\n1:2\n")), [[0.5, NAN], [NAN, 2]])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (b"1 qid:2 0:1\n1 qid:1 0:1\n", "row 2 of all files: the query's number is lower than that of the row before"),
        (b"1 qid:2 0:1\n1 0:1\n", "row 2 of all files: the query is empty"),
    ],
)
def test_rows_of_a_query_stand_together(tmp_path, rows, message):
    with pytest.raises(InputError, match=f"channel 'train', {message}"):
        read_labelled(channel(tmp_path, rows=rows), BoosterParameters())


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")
def test_a_querys_rows_are_on_one_host(project, tmp_path):
    folder = project(
        """
        from dataclasses import replace

        from runtime.api import BoosterParameters, read_labelled

        def train(channels, hyperparameters, job):
            channel = replace(channels["train"], content_type="text/libsvm")
            print("queries", *read_labelled(channel, BoosterParameters()).queries)
            (job.model_folder / "model").touch()

        def model_fn(folder):
            return None
        """
    )
    rows = "".join(f"1 qid:{number} 0:1\n0 qid:{number} 0:2\n" for number in (1, 2, 3))
    runs = train_on_hosts(tmp_path, {}, [{"train": {"rows": rows}}] * 2, project=folder)
    found = ["".join(re.findall("queries (.*)", run.log)) for run in runs]
    assert found == ["2.0 2.0", "1.0 1.0 3.0 3.0"]
