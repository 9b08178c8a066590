"""How data is read: by polars as by the strict reader, whatever the bytes; and what was written reads back the same."""

import csv
import gzip
import io
import json
import math

import numpy as np
import polars
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runtime import framework
from runtime.data import content, tables
from runtime.data.numbers import FORM, LARGEST
from runtime.errors import InputError, UserError
from runtime.training.channels import Channel

FEATURES = {"code": str, "amount": float, "note": str}
PIECES = [
    "1",
    "-2.5",
    "1e-05",
    ".5",
    "1_0",
    "inf",
    "nan",
    "NA",
    "null",
    "0x1",
    "é",
    " ",
    "\t",
    ",",
    ",",
    ",",
    "\n",
    "\n",
]
PIECES += ['"', '"', '""', "a", "\r\n", "\r", "1e999", "code,amount,note\n", "x,1,n\n", '"a, b",2,"c\nd"\n', "\n\n"]
bodies = st.lists(st.sampled_from(PIECES), min_size=1, max_size=30).map("".join)
# The same each time: CI must not fail by chance. To look further, remove derandomize and raise max_examples.
quick = settings(max_examples=300, deadline=None, derandomize=True)


def values(table, features):
    """Return what a table is read as, as lists of plain values, or that it is refused."""
    try:
        if features is None:
            return table.numbers().tolist()
        columns = table.columns(features)
    except InputError:
        return "refused"
    return [[None if value != value else value for value in list(column)] for column in columns]


def read(body, features, *, at_once):
    """Return the body read by the strict reader, or in blocks by polars where that may."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "LARGE", 1 << 30 if at_once else 0)
        patch.setattr(content, "matrix", values)
        patch.setattr(tables, "FIRST_BLOCK", 8)
        patch.setattr(tables, "BLOCK", 16)
        patch.setattr(content, "_few_numbers", lambda text: None)
        try:
            return content.decode(body.encode(), content.CSV, features=features)
        except InputError:
            return "refused"


@quick
@given(bodies, st.sampled_from([None, FEATURES, {"code": str}, {"amount": float}]))
@example('x,1,"a\n\nb"\nx,2,n\n', FEATURES)
@example('6" pipe,1,n\n"x\ny",2,n\n', FEATURES)
@example("NA\n\nx\n", {"code": str})
@example('x," 5",n\n', FEATURES)
@example("x,1,n\nx,1\n", FEATURES)
@example("1\n1, ", None)
@example('code,amount,note\n""1"a, b",2,"c\nd"\n', FEATURES)
@example('"x"\r\n,"y"\r\n"z"', {"code": str})
def test_polars_and_the_strict_reader_read_alike(body, features):
    assert read(body, features, at_once=False) == read(body, features, at_once=True)


@quick
@given(bodies)
def test_rows_of_numbers_are_read_by_python_as_by_the_strict_reader(body):
    few = content._few_numbers(body)
    if few is not None:
        assert few.tolist() == read(body, None, at_once=True)


@quick
@given(st.text("0123456789+-.eE_xinfa ٣", max_size=8))
def test_a_number_is_what_the_grammar_says(text):
    taken = isinstance(read(f"{text}\n", None, at_once=True), list)
    assert taken == (FORM.fullmatch(text.strip(" ")) is not None and abs(float(text)) <= LARGEST)


cells = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12)
finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@quick
@given(st.lists(st.tuples(cells, finite, cells), min_size=1, max_size=8), st.booleans())
def test_what_was_written_reads_back_the_same(rows, at_once):
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(rows)
    expected = [list(column) for column in zip(*rows, strict=True)]
    assert read(stream.getvalue(), FEATURES, at_once=at_once) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "matrix", values)
        assert content.decode(json.dumps(rows).encode(), content.JSON, features=FEATURES) == expected


@quick
@given(st.lists(st.lists(finite, min_size=2, max_size=2), min_size=1, max_size=8))
def test_predictions_read_back_the_same(rows):
    for media_type in (content.CSV, content.JSON_LINES, content.NPY):
        for predictions in (rows, np.array(rows)):
            assert content.decode(content.encode(predictions, media_type), media_type).tolist() == rows
    assert json.loads(content.encode(np.array(rows), content.JSON))["predictions"] == rows


def test_typed_columns_are_columns_of_numbers_and_of_texts():
    found = content.decode(b"x,1,\ny,NA,n\n", content.CSV, features=FEATURES)
    assert np.asarray(found["amount"]).dtype == np.float64
    assert np.log1p(np.asarray(found["amount"]))[0] == pytest.approx(math.log(2))
    assert list(found["note"]) == [None, "n"]
    assert hasattr(found, "columns") == framework.DATA_FRAMES


def test_all_files_of_a_channel_are_read_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK", 16)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text('note,code,amount,more\n"n\n",x,1,\nNA,"y ",,\n')
    channel = Channel("train", tmp_path)
    found = channel.matrix(FEATURES)
    assert list(found["code"]) == ["x", "y ", "x", "y "]
    assert list(found["note"]) == ["n\n", None, "n\n", None]
    assert np.isnan(np.asarray(found["amount"])).tolist() == [False, True, False, True]
    assert channel.column("code").tolist() == ["x", "y ", "x", "y "]
    assert [list(chunk["code"]) for chunk in channel.chunks(FEATURES)] == [["x", "y "], ["x", "y "]]
    with pytest.raises(InputError, match=r"train/a.csv, line 4, column 'note': it is empty"):
        channel.column("note")


def test_one_column_is_texts_or_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("size,label\n1.5,7\n-2,8\n")
    channel = Channel("train", tmp_path)
    assert channel.column("label").tolist() == ["7", "8"]
    assert channel.column("size", float).tolist() == [1.5, -2.0]
    with pytest.raises(UserError, match="column 'size' is declared as int: use float for numbers"):
        channel.column("size", int)
    with pytest.raises(UserError, match="column 'label' is declared as int: use float for numbers"):
        channel.matrix({"size": float, "label": int})

    (tmp_path / "b.csv").write_text("size,label\n1,\nmuch,9\n")
    channel = Channel("train", tmp_path)
    with pytest.raises(InputError, match=r"train/b.csv, line 3, column 'size': 'much' is not a number"):
        channel.column("size", float)
    with pytest.raises(InputError, match=r"train/b.csv, line 2, column 'label': it is empty"):
        channel.column("label", float)


def test_a_number_beyond_the_type_that_the_framework_computes_in_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("1e300\n")
    table = next(Channel("train", tmp_path).tables(header=False))
    if framework.SINGLE_PRECISION:
        with pytest.raises(InputError, match=r"train/a.csv, line 1, value 1: '1e300' is too large for float32"):
            tables.matrix(table)
    else:
        assert tables.matrix(table).tolist() == [[1e300]]


def test_what_others_leave_in_a_channel_is_passed_over_with_a_line_in_the_log(tmp_path, capsys):
    for name in (
        "_SUCCESS",
        "_temporary/part.csv",
        ".x.csv.crc",
        "data_$folder$",
        "empty.csv",
        "only-header.csv",
        "a.csv",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text({"a.csv": "x,y\n1,2\n", "only-header.csv": "x,y\n"}.get(name, ""))
    found = list(Channel("train", tmp_path).tables(header=True))
    assert [tables.matrix(table).tolist() for table in found] == [[[1, 2]]]
    log = capsys.readouterr().out
    for name in ("_SUCCESS", "_temporary/part.csv", ".x.csv.crc", "data_$folder$", "empty.csv", "only-header.csv"):
        assert f"skipped train/{name}: " in log
    (tmp_path / "a.csv").unlink()
    with pytest.raises(UserError, match="channel 'train' has no file with rows"):
        list(Channel("train", tmp_path).tables(header=True))


@pytest.mark.parametrize(
    ("second", "header", "words"),
    [
        ("5,1,2\n", False, "train/b.csv has 3 columns, train/a.csv has 2"),
        ("y,x\n1,2\n", True, "train/b.csv has the columns y, x, train/a.csv has x, y"),
    ],
)
def test_files_that_do_not_fit_together_are_named(tmp_path, second, header, words):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n" if header else "1,2\n")
    (tmp_path / "b.csv").write_text(second)
    with pytest.raises(InputError, match=words):
        list(Channel("train", tmp_path).tables(header=header))


def test_parquet_is_read_by_the_names_and_types_of_its_columns(tmp_path):
    polars.DataFrame(
        {"code": ["NA", None], "amount": [1, None], "note": [float("nan"), 1e5], "more": [[1], [2]]}
    ).write_parquet(tmp_path / "a.parquet")
    channel = Channel("train", tmp_path)
    found = channel.matrix(FEATURES)
    assert list(found["code"]) == ["NA", None]
    assert np.isnan(np.asarray(found["amount"])).tolist() == [False, True]
    assert list(found["note"]) == [None, "100000"]
    with pytest.raises(InputError, match=r"train/a.parquet, row 1, column 'code': 'NA' is not a number"):
        channel.matrix()
    with pytest.raises(InputError, match=r"train/a.parquet, row 2, column 'code': it is empty"):
        channel.column("code")
    polars.DataFrame({"x": [1, 2], "y": [0.5, 1]}).write_parquet(tmp_path / "a.parquet")
    assert channel.matrix().tolist() == [[1, 0.5], [2, 1]]
    (tmp_path / "a.parquet").write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match=r"train/a.parquet is not a Parquet file: "):
        channel.matrix()


def test_compressed_and_large_files_are_read_by_blocks_and_lines_keep_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK", 64)
    rows = [f"{number},{number / 7!r}" for number in range(500)]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress("\r\n".join(rows).encode()))
    (tmp_path / "b.csv").write_text("\ufeff" + "\n".join(rows))
    found = [tables.matrix(table) for table in Channel("train", tmp_path).tables(header=False)]
    assert all((one == np.array([[n, n / 7] for n in range(500)])).all() for one in found)
    chunks = list(Channel("train", tmp_path).chunks())
    assert len(chunks) > 2
    assert np.vstack(chunks).tolist() == Channel("train", tmp_path).matrix().tolist()
    (tmp_path / "b.csv").write_text("\n".join([*rows[:400], "400,x", *rows[401:]]))
    with pytest.raises(InputError, match=r"train/b.csv, line 401, value 2: 'x' is not a number"):
        _ = [tables.matrix(table) for table in Channel("train", tmp_path).tables(header=False)]
