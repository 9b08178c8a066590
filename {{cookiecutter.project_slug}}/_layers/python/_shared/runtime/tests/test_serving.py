"""The serving half of the runtime, without a container."""

import io
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from werkzeug.exceptions import HTTPException, TooManyRequests

from runtime.data import content
from runtime.errors import InputError, UserError
from runtime.serving import defaults, handlers
from runtime.serving.answer import Answers
from runtime.serving.application import create_app
from runtime.serving.settings import Settings

FEATURES = {"age": float, "city": str}
ADAPTER = SimpleNamespace(load=None, save=None)


def client(algorithm=None, batch=False, max_payload_mb=1):
    """Return an HTTP client of an application whose model doubles the sum of each row."""
    algorithm = algorithm or SimpleNamespace(predict=lambda model, rows: model * rows.sum(axis=1))
    settings = Settings(port=8080, workers=2, max_payload_mb=max_payload_mb, batch=batch, timeout=60, queue=8)
    answers = Answers(2.0, handlers.resolve(algorithm, ADAPTER, batch=batch), settings)
    return create_app(answers).test_client()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content_type", "body", "answer"),
    [
        ("text/csv", b"1,2\n3,4\n", b"6.0\n14.0\n"),
        ("text/csv; charset=utf-8", b"\xef\xbb\xbf1,2\r\n3,4", b"6.0\n14.0\n"),
        ("TEXT/CSV;charset=latin-1", b"1,2\n\n3,4\n", b"6.0\n14.0\n"),
        ("application/json", b'{"instances": [[1, 2], [3, 4]]}', b'{"predictions":[6.0,14.0]}\n'),
        ("application/json", b"[[1, 2], [3, 4]]", b'{"predictions":[6.0,14.0]}\n'),
        ("application/jsonlines", b"[1, 2]\n\n[3, 4]\n", b"6.0\n14.0\n"),
        ("application/x-npy", npy(np.array([[1, 2], [3, 4]], dtype="int32")), npy(np.array([6.0, 14.0]))),
        ("application/x-npy", npy(np.array([[1, 2], [3, 4]], order="F")), npy(np.array([6.0, 14.0]))),
        ("application/x-npy", npy(np.array([[1, 2], [3, 4]], dtype=">f2")), npy(np.array([6.0, 14.0]))),
        ("application/x-npy", npy(np.array([[True, False]])), npy(np.array([2.0]))),
    ],
)
def test_every_content_type_is_answered_in_kind(content_type, body, answer):
    response = client().post("/invocations", data=body, content_type=content_type)
    assert (response.status_code, response.data) == (200, answer)
    assert response.content_type == content_type.split(";")[0].lower()


@pytest.mark.parametrize(
    ("accept", "status", "answered"),
    [
        (None, 200, "text/csv"),
        ("*/*", 200, "text/csv"),
        ("application/json", 200, "application/json"),
        ("text/csv;q=0.1, application/jsonlines", 200, "application/jsonlines"),
        ("image/png, application/json;q=0.5", 200, "application/json"),
        ("application/json; charset=utf-8", 200, "application/json"),
        ("application/json, text/plain, */*", 200, "application/json"),
        ("*/*;q=.2", 200, "text/csv"),
        ("application/*, text/csv;q=0.9", 200, "application/json"),
        ("text/csv;q=0, */*", 200, "application/json"),
        ("application/jsonlines, application/json", 200, "application/jsonlines"),
        ("image/png", 406, "application/json"),
    ],
)
def test_accept_is_negotiated(accept, status, answered):
    headers = {"Accept": accept} if accept else {}
    response = client().post("/invocations", data=b"1,2", content_type="text/csv", headers=headers)
    assert (response.status_code, response.content_type) == (status, answered)


@pytest.mark.parametrize(
    ("content_type", "body", "status", "words"),
    [
        ("text/csv", b"", 400, "empty"),
        ("text/csv", b"\n\n", 400, "no rows"),
        ("text/csv", b"1,2\n3,x\n", 400, "line 2, value 2: 'x' is not a number"),
        ("text/csv", b"1,2\n3\n", 400, "line 2 has 1 values, expected 2"),
        ("text/csv", b"1,nan\n", 400, "line 1, value 2: 'nan' is not a number"),
        ("text/csv", b"1,1e999\n", 400, "line 1, value 2: '1e999' is not a finite number"),
        ("text/csv", b"\xff\xfe", 400, "not text in utf-8"),
        ("text/csv; charset=klingon", b"1", 400, "klingon"),
        ("application/json", b'{"instances": [[1, 2], [3', 400, "not JSON"),
        ("application/json", b'{"rows": []}', 400, "instances"),
        ("application/json", b"[]", 400, "no rows"),
        ("application/json", b'[{"a": 1}]', 400, "no names"),
        ("application/json", b"[[1, [2]]]", 400, "instance 1, value 2"),
        ("application/json", b"[" * 100_000, 400, "not JSON"),
        ("application/json", b"[[1" + b"0" * 400 + b", 1]]", 400, "not JSON"),
        ("application/jsonlines", b"[1, 2]\n{", 400, "line 2 is not JSON"),
        ("application/x-npy", b"\x93NUMPY", 400, ".npy"),
        ("application/x-npy", npy(np.array([1, 2])), 400, "shape (2,)"),
        ("application/x-npy", npy(np.array([["a"]])), 400, "dtype <U1"),
        ("application/x-npy", npy(np.array([[None]], dtype=object)), 400, "dtype |O"),
        ("application/x-npy", npy(np.ones((1, 1), "complex128")), 400, "dtype <c16, expected real numbers"),
        ("application/x-npy", npy(np.ones((1, 1), "complex128")).replace(b"<c16", b"<f16"), 400, "dtype"),
        ("application/x-npy", npy(np.array([[0], [np.inf]], "float16")), 400, "row 2 holds a value that is not finite"),
        ("application/x-npy", b"\x93NUMPY\x01\x00\x02\x00{(", 400, "not an .npy file"),
        ("application/x-npy", npy(np.zeros((9, 9)))[:-8], 400, "cut short"),
        ("image/png", b"1,2", 415, "text/csv"),
        ("text/csv", b"1" * (1024 * 1024 + 1), 413, "1 MB"),
    ],
)
def test_bad_requests_get_a_4xx_that_says_why(content_type, body, status, words):
    server = client()
    response = server.post("/invocations", data=body, content_type=content_type)
    assert response.status_code == status
    assert words in response.json["error"]
    assert server.post("/invocations", data=b"1,2", content_type="text/csv").status_code == 200


def test_a_compressed_body_is_refused():
    headers = {"Content-Encoding": "gzip"}
    response = client().post("/invocations", data=b"1,2", content_type="text/csv", headers=headers)
    assert (response.status_code, response.json["error"][:23]) == (415, "Content-Encoding 'gzip'")


def test_an_unknown_failure_is_a_500_with_a_request_id_and_no_traceback(capsys):
    def predict(model, rows):
        raise RuntimeError("secret path /home/x")

    response = client(SimpleNamespace(predict=predict)).post("/invocations", data=b"1", content_type="text/csv")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.json["request_id"] in capsys.readouterr().err


def test_an_exception_of_werkzeugs_keeps_its_status_and_the_log_its_requests_id(capsys):
    def predict(model, rows):
        raise TooManyRequests("later, please", retry_after=7)

    headers = {"X-Amzn-SageMaker-Inference-Id": "id-7"}
    server = client(SimpleNamespace(predict=predict))
    response = server.post("/invocations", data=b"1", content_type="text/csv", headers=headers)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
    assert response.json == {"error": "later, please"}
    assert capsys.readouterr().err == "request id-7: POST /invocations 429: later, please\n"


def test_an_exception_of_werkzeugs_without_a_status_is_a_500(capsys):
    def predict(model, rows):
        raise HTTPException("out of order")

    response = client(SimpleNamespace(predict=predict)).post("/invocations", data=b"1", content_type="text/csv")
    assert (response.status_code, response.json) == (500, {"error": "out of order"})
    assert "POST /invocations 500: out of order\n" in capsys.readouterr().err


def test_the_answer_is_a_function_that_needs_no_server():
    algorithm = SimpleNamespace(predict=lambda model, rows: model * rows.sum(axis=1))
    steps = handlers.resolve(algorithm, ADAPTER, batch=False)
    answers = Answers(2.0, steps, Settings(port=8080, workers=2, max_payload_mb=1, batch=False, timeout=60, queue=8))
    answer = answers.invoke("text/csv", None, {}, b"1,2\n")
    assert (answer.status, answer.content_type, answer.body) == (200, "text/csv", b"6.0\n")
    assert answers.invoke("image/png", None, {}, b"1,2\n").status == 415


def test_execution_parameters_and_custom_attributes():
    server = client()
    assert server.get("/execution-parameters").json == {
        "MaxConcurrentTransforms": 2,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "trace=1", "X-Unknown": "x"}
    response = server.post("/invocations", data=b"1,2", content_type="text/csv", headers=headers)
    assert response.headers["X-Amzn-SageMaker-Custom-Attributes"] == "trace=1"
    response = server.post("/invocations", data=b"x", content_type="text/csv", headers=headers)
    assert (response.status_code, response.headers["X-Amzn-SageMaker-Custom-Attributes"]) == (400, "trace=1")


def test_a_batch_answer_leaves_the_last_line_break_to_sagemaker_and_takes_no_blank_line_for_a_record():
    server = client(batch=True)
    assert server.post("/invocations", data=b"1\n2\n", content_type="text/csv").data == b"2.0\n4.0"
    assert server.post("/invocations", data=b"[1]", content_type="application/json").data == b'{"predictions":[2.0]}'
    for content_type in ("text/csv", "application/jsonlines"):
        response = server.post("/invocations", data=b"1\n\n2\n", content_type=content_type)
        assert (response.status_code, response.json["error"][:15]) == (400, "line 2 is blank")


def test_the_algorithms_own_functions_take_the_place_of_the_defaults_and_get_the_bare_media_type():
    algorithm = SimpleNamespace(
        input_fn=lambda body, content_type: (body.decode(), content_type),
        predict_fn=lambda data, model: f"{data[0]} as {data[1]} by {model}",
        output_fn=lambda prediction, accept: (prediction.upper(), "text/plain"),
    )
    response = client(algorithm).post("/invocations", data=b"cat", content_type="Image/PNG; charset=binary")
    assert (response.status_code, response.text) == (200, "CAT AS IMAGE/PNG BY 2.0")
    assert response.content_type.startswith("text/plain")


def test_an_input_fn_gets_the_charset_if_it_takes_one():
    def input_fn(body, content_type, charset):
        return [body.decode(charset)]

    algorithm = SimpleNamespace(input_fn=input_fn, predict=lambda model, texts: texts)
    server = client(algorithm)
    for content_type, body in (("text/plain; charset=latin-1", b"\xe9"), ("text/plain", b"\xc3\xa9")):
        response = server.post("/invocations", data=body, content_type=content_type)
        assert response.json == {"predictions": ["é"]}
        assert response.content_type == content.JSON


def test_declared_media_types_are_taken_and_given_and_no_others():
    algorithm = SimpleNamespace(
        SUPPORTED_CONTENT_TYPES=["image/PNG", "text/csv"],
        SUPPORTED_RESPONSE_MIME_TYPES=["image/gif", "text/plain"],
        input_fn=lambda body, content_type: body,
        predict=lambda model, body: body,
        output_fn=lambda prediction, accept: prediction,
    )
    server = client(algorithm)

    def post(content_type, **headers):
        response = server.post("/invocations", data=b"x", content_type=content_type, headers=headers)
        return response.status_code, response.json["error"] if response.is_json else response.content_type

    assert post("image/png") == (200, "image/gif")
    assert post("text/csv", Accept="text/*")[0] == 200
    assert post("image/png", Accept="application/json, text/plain;q=0.1") == (200, "text/plain")
    assert post("application/json") == (
        415,
        "Content-Type 'application/json' is not supported: send one of image/png, text/csv",
    )
    assert post("image/png", Accept="text/csv") == (
        406,
        "Accept 'text/csv' cannot be met: ask for one of image/gif, text/plain, or */*",
    )


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"SUPPORTED_CONTENT_TYPES": ["image/png"]}, "names image/png, for which it needs an input_fn"),
        ({"SUPPORTED_CONTENT_TYPES": "text/csv"}, "must be a list of media types"),
        ({"SUPPORTED_RESPONSE_MIME_TYPES": []}, "must be a list of media types"),
        ({"FEATURES": FEATURES, "INPUT_SHAPE": (2,)}, "keep one of them"),
        ({"INPUT_SHAPE": 28}, "INPUT_SHAPE in algorithm.py must be lengths"),
        ({"FEATURES": ["age"]}, "FEATURES in algorithm.py must give columns their kinds"),
        ({"FEATURES": {"age": int}}, "column 'age' is declared as int: use float for numbers, or str for texts"),
        ({"INPUT_SHAPE": (28, "x")}, "INPUT_SHAPE in algorithm.py must be lengths"),
        ({"save_fn": print}, "has a save_fn and no model_fn"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_explained(declared, words):
    with pytest.raises(UserError, match=words.replace("(", "[(]")):
        handlers.resolve(SimpleNamespace(**declared), ADAPTER, batch=False)


def test_the_defaults_can_be_called_from_ones_own_functions(monkeypatch):
    def input_fn(body, content_type, charset):
        if content_type == "text/plain":
            return defaults.default_input_fn(body, "text/csv", charset)
        return defaults.default_input_fn(body, content_type, charset)

    def output_fn(predictions, accept):
        return defaults.default_output_fn(predictions, accept).replace(b"31.0", b"thirty-one")

    algorithm = SimpleNamespace(
        FEATURES=FEATURES,
        input_fn=input_fn,
        predict=lambda model, rows: [float(age) for age in rows["age"]],
        output_fn=output_fn,
    )
    monkeypatch.setitem(sys.modules, "algorithm", algorithm)
    defaults._of_project.cache_clear()
    server = client(algorithm)
    response = server.post("/invocations", data=b"31,Oslo\n", content_type="text/plain", headers={"Accept": "text/csv"})
    assert (response.status_code, response.data) == (200, b"thirty-one\n")
    for headers, status in (({"Accept": "image/png"}, 406), ({}, 415)):
        refused = server.post(
            "/invocations", data=b"31,Oslo\n", content_type="text/csv" if headers else "image/png", headers=headers
        )
        assert refused.status_code == status


@pytest.mark.parametrize(
    ("error", "status", "shown", "in_the_log"),
    [
        (InputError("no such town"), 400, "no such town", False),
        (ValueError("not fitted"), 500, "the algorithm failed", True),
        (np.linalg.LinAlgError("Singular matrix"), 500, "the algorithm failed", True),
        (RecursionError("deep"), 500, "the algorithm failed", True),
    ],
)
def test_of_predict_only_an_input_error_is_the_clients_fault(capsys, error, status, shown, in_the_log):
    def predict(model, rows):
        raise error

    response = client(SimpleNamespace(predict=predict)).post("/invocations", data=b"1", content_type="text/csv")
    assert (response.status_code, response.json["error"][: len(shown)]) == (status, shown)
    assert ("raise error" in capsys.readouterr().err) == in_the_log


@pytest.mark.parametrize(
    ("error", "status", "shown", "in_the_log"),
    [
        (InputError("no image"), 400, "no image", False),
        (ValueError("bad header"), 400, "bad header", True),
        (RecursionError("deep"), 400, "the body is nested too deeply", True),
        (TypeError("a bug"), 500, "the algorithm failed", True),
    ],
)
def test_of_ones_own_input_fn_a_value_error_is_a_body_that_cannot_be_read(capsys, error, status, shown, in_the_log):
    def input_fn(body, content_type):
        raise error

    response = client(SimpleNamespace(input_fn=input_fn)).post("/invocations", data=b"1", content_type="a/b")
    assert (response.status_code, response.json["error"][: len(shown)]) == (status, shown)
    assert ("raise error" in capsys.readouterr().err) == in_the_log


def test_a_body_that_the_default_refuses_is_one_line_in_the_log(capsys):
    client().post("/invocations", data=b"x", content_type="text/csv")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("given", ["ab", b"ab", bytearray(b"ab"), memoryview(b"ab"), ["a", b"b"], iter([b"a", "b"])])
def test_an_answer_may_be_text_or_bytes_of_any_kind_or_chunks_of_them(given):
    algorithm = SimpleNamespace(predict=lambda model, rows: rows, output_fn=lambda prediction, accept: given)
    response = client(algorithm).post("/invocations", data=b"1", content_type="text/csv")
    assert (response.status_code, response.data) == (200, b"ab")


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (content.CSV, b"31,Oslo\n,\n"),
        (content.CSV, b"city,age,extra\nOslo,31,x\nNA,NaN,y\n"),
        (content.JSON, b'[{"city": "Oslo", "age": 31}, {"age": null}]'),
        (content.JSON, b'{"instances": [[31, "Oslo"], [null, null]]}'),
    ],
)
def test_named_features_are_found_in_every_form_and_may_be_missing(media_type, body):
    rows = content.decode(body, media_type, features=FEATURES)
    ages, cities = (np.asarray(rows[name]).tolist() for name in FEATURES)
    assert ages[0] == 31.0
    assert np.isnan(ages[1])
    assert cities == ["Oslo", None]


def test_in_an_npy_array_nan_is_what_is_missing_of_named_features():
    features = {"age": float}
    rows = content.decode(npy(np.array([[31], [np.nan]])), content.NPY, features=features)
    assert np.isnan(rows).tolist() == [[False], [True]]
    with pytest.raises(InputError, match="row 2, column 'age': inf is not a finite number"):
        content.decode(npy(np.array([[31], [np.inf]])), content.NPY, features=features)


@pytest.mark.parametrize(
    ("media_type", "body", "words"),
    [
        (content.CSV, b"31\n", "line 1 has 1 values, expected 2: age, city"),
        (content.CSV, b"old,Oslo\n", "line 1, column 'age': 'old' is not a number"),
        (content.CSV, b"inf,Oslo\n", "'inf' is not a number"),
        (content.JSON, b'[{"town": "Oslo"}]', "instance 1 names none of the features age, city"),
        (content.JSON, b'[{"age": 1}, [1, "Oslo"]]', "instance 2"),
        (content.JSON, b'[[1, ["Oslo"]]]', "expected one value"),
    ],
)
def test_wrong_named_features_are_explained(media_type, body, words):
    with pytest.raises(InputError) as caught:
        content.decode(body, media_type, features=FEATURES)
    assert words in str(caught.value)


def test_predictions_of_every_kind_can_be_written():
    rows = [{"label": "a,b", "p": {"x": np.float64(0.5)}}, {"label": "c", "p": {"x": np.inf}}]
    assert content.encode(rows, content.CSV) == b'"a,b",0.5\nc,inf\n'
    assert json.loads(content.encode(rows, content.JSON))["predictions"][1] == {
        "label": "c",
        "p": {"x": None},
    }
    assert content.encode(np.eye(2), content.JSON_LINES) == b"[1.0,0.0]\n[0.0,1.0]\n"


@pytest.mark.parametrize("kind", [int, np.int32, np.uint8])
def test_whole_numbers_are_written_as_such(kind):
    assert content.encode(np.array([3, 1], kind), content.CSV) == b"3\n1\n"
    assert content.encode(np.array([[3, 1], [0, 2]], kind), content.CSV) == b"3,1\n0,2\n"


@pytest.mark.parametrize(
    ("predictions", "words"),
    [
        (np.array([1.0]), "predict returned 1 predictions for 2 rows: return one for each row"),
        ([1.0, 2.0, 3.0], "predict returned 3 predictions for 2 rows"),
        (np.array(1.0), "predict returned a ndarray: return a list, one prediction for each row"),
        (1.0, "predict returned a float: return a list"),
        (None, "predict returned a NoneType"),
        ({"a": 1.0, "b": 2.0}, "predict returned a dict"),
        ("ab", "predict returned a str"),
    ],
)
def test_predictions_that_are_not_one_for_each_row_are_a_failure(capsys, predictions, words):
    for own in (
        SimpleNamespace(predict=lambda model, rows: predictions),
        SimpleNamespace(predict_fn=lambda rows, model: predictions),
    ):
        response = client(own).post("/invocations", data=b"1\n2\n", content_type="text/csv")
        assert response.status_code == 500
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("given", [(1.0, 2.0), range(2), (one for one in [1.0, 2.0])])
def test_predictions_may_be_anything_that_lists_one_for_each_row(given):
    server = client(SimpleNamespace(predict=lambda model, rows: given))
    assert server.post("/invocations", data=b"1\n2\n", content_type="text/csv").status_code == 200


def test_with_an_output_fn_of_its_own_the_algorithm_says_what_a_prediction_is():
    own = SimpleNamespace(predict=lambda model, rows: {"mean": 1.5}, output_fn=lambda predictions, accept: "1.5")
    response = client(own).post("/invocations", data=b"1\n2\n", content_type="text/csv")
    assert (response.status_code, response.text) == (200, "1.5")


@pytest.mark.parametrize("predictions", [[{"label": "a"}, {"label": "b"}], [[1.0], [1.0, 2.0]], [None, None]])
def test_predictions_that_npy_cannot_hold_are_refused_and_not_a_failure(predictions):
    server = client(SimpleNamespace(predict=lambda model, rows: predictions))
    headers = {"Accept": content.NPY}
    response = server.post("/invocations", data=b"1\n2\n", content_type="text/csv", headers=headers)
    assert (response.status_code, response.content_type) == (406, content.JSON)
    assert "ask for application/json" in response.json["error"]


def test_settings_come_from_the_environment():
    settings = Settings.from_environment(
        {"SAGEMAKER_BIND_TO_PORT": "9001", "SAGEMAKER_MODEL_SERVER_WORKERS": "40", "SAGEMAKER_BATCH": "True"}
    )
    assert (settings.port, settings.workers, settings.batch, settings.timeout) == (9001, 40, True, 3600)
    assert Settings.from_environment({}).timeout == 60
    assert settings.execution_parameters["MaxPayloadInMB"] * 40 <= 100
    with pytest.raises(UserError, match="SAGEMAKER_BIND_TO_PORT is 'http'"):
        Settings.from_environment({"SAGEMAKER_BIND_TO_PORT": "http"})
