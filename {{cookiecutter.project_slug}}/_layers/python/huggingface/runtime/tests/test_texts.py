"""What requests for a classifier of texts may hold, and what a channel of texts may not."""

import json
from types import SimpleNamespace

import pytest

from runtime import text
from runtime.errors import InputError, UserError
from runtime.serving.defaults import Defaults
from runtime.text import requests
from runtime.text.vocabulary import tokenizer
from runtime.training.channels import Channel


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setattr(
        requests, "default_input_fn", Defaults(SimpleNamespace(FEATURES={"inputs": str}), batch=False).input_fn
    )


@pytest.mark.parametrize(
    ("media_type", "body", "texts", "alone"),
    [
        ("application/json", '{"inputs": "tea"}', ["tea"], True),
        ("application/json", '{"inputs": ["tea", "milk"]}', ["tea", "milk"], False),
        ("application/json", '{"instances": ["tea"]}', ["tea"], False),
        ("application/json", '"tea"', ["tea"], True),
        ("application/jsonlines", '{"inputs": "tea"}\n{"inputs": "a, b"}\n', ["tea", "a, b"], False),
        ("application/jsonlines", '"tea"\n["milk"]\n', ["tea", "milk"], False),
        ("text/csv", 'inputs\n"tea, milk"\nwater\n', ["tea, milk", "water"], False),
    ],
)
def test_texts_come_in_every_usual_format(media_type, body, texts, alone):
    found = text.input_fn(body.encode(), media_type)
    assert (found.texts, found.alone, found.parameters) == (texts, alone, {})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([], None),
        ({"top_k": None, "function_to_apply": "none", "truncation": True}, None),
        ({"top_k": 0}, "the parameter 'top_k' is 0: send a number from 1, or null for all labels"),
        ({"top_k": True}, "the parameter 'top_k' is true: send a number"),
        ({"function_to_apply": "tanh"}, 'is "tanh": send softmax or sigmoid or none'),
        ({"truncation": False}, "is false: send true"),
        ({"temperature": 1}, "'temperature' is unknown: there are top_k, function_to_apply and truncation"),
        ("top_k", '"parameters" is not an object'),
    ],
)
def test_parameters_that_are_not_known_are_refused_in_words(parameters, message):
    body = json.dumps({"inputs": "tea", "parameters": parameters}).encode()
    if message is None:
        assert text.input_fn(body, "application/json").parameters == (parameters or {})
    else:
        with pytest.raises(InputError, match=message):
            text.input_fn(body, "application/json")


@pytest.mark.parametrize("body", ['{"inputs": ["tea", null]}', '["tea", {"inputs": null}]'])
def test_a_text_that_is_missing_is_refused(body):
    with pytest.raises(InputError, match=r"row 2 has no text|instance 2"):
        text.input_fn(body.encode(), "application/json")


def channel(folder, content):
    folder.mkdir()
    (folder / "part.csv").write_text(content)
    return text.read(Channel(folder.name, folder), text="text", label="label")


def test_labels_are_those_of_the_channel_train(tmp_path):
    data = channel(tmp_path / "train", "text,label\ntea,hot\nmilk,cold\n")
    assert data.all_labels() == ["cold", "hot"]
    assert data.numbers(["cold", "hot"]).tolist() == [1, 0]
    other = channel(tmp_path / "validation", "text,label\nair,none\n")
    with pytest.raises(UserError, match="channel 'validation' has the label 'none', which channel 'train' has not"):
        other.numbers(["cold", "hot"])
    with pytest.raises(UserError, match="the label 'none' only"):
        other.all_labels()


def test_a_label_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"train/part.csv, line 3, column 'label'"):
        channel(tmp_path / "train", "text,label\ntea,hot\nmilk,\n")


def test_words_are_counted_and_others_are_spelled(tmp_path):
    words = channel(tmp_path / "train", 'text,label\n"Tea, tea and MILK",hot\ntea,cold\n').all_words(2)
    assert words == ["tea", ","]
    found = tokenizer(words, 8)
    assert found.convert_ids_to_tokens(found("Téa ate")["input_ids"]) == ["[CLS]", "tea", "a", "##t", "##e", "[SEP]"]
    assert len(found("tea " * 20, truncation=True)["input_ids"]) == 8
