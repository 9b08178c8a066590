"""Your algorithm's own tests. They run without a container: `make test`."""

import json
from pathlib import Path

import pytest
import torch
from transformers import pipeline

import algorithm
from runtime import testing
from runtime.api import UserError, adapter

SAMPLE = Path(__file__).parent.parent / "sample"
PRAISE, BILL = "Thank you for the friendly help.", "My card was charged twice for the lamp."


@pytest.fixture
def job(tmp_path):
    return testing.job(tmp_path / "ml")


def train(job, base=None, **hyperparameters):
    channels = testing.channels(SAMPLE, "train", "validation")
    if base is not None:
        channels |= testing.channels(base.parent, base.name)
    settings = {"learning_rate": 0.005, "max_length": 32} | hyperparameters
    return algorithm.train(channels, algorithm.Hyperparameters(**settings), job)


def ask(model, texts, **parameters):
    body = json.dumps({"inputs": texts, "parameters": parameters}).encode()
    return algorithm.predict(model, algorithm.input_fn(body, "application/json"))


def metrics(log):
    lines = [line.split() for line in log.splitlines() if line.startswith("epoch=")]
    return [{name: float(value) for name, value in (one.split("=") for one in line)} for line in lines]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "model"
    folder.mkdir()
    adapter.save(train(testing.job(folder.parent / "ml"), epochs=6), folder)
    return folder


@pytest.fixture
def model(trained):
    return adapter.load(str(trained))


def test_it_has_learned_what_messages_are_about(model):
    bill, praise = ask(model, [BILL, PRAISE])
    assert (bill["label"], praise["label"]) == ("payment", "praise")


def test_the_metrics_are_those_of_the_validation_data(job, capsys):
    train(job, epochs=6)
    found = metrics(capsys.readouterr().out)
    assert [one["epoch"] for one in found] == [1, 2, 3, 4, 5, 6]
    assert found[-1]["train:loss"] < found[0]["train:loss"]
    assert found[-1]["validation:accuracy"] > 0.9
    assert found[-1]["validation:f1"] == pytest.approx(found[-1]["validation:accuracy"], abs=0.05)


def test_the_model_is_a_folder_of_hugging_faces(trained):
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= {
        file.name for file in trained.iterdir()
    }
    answers = pipeline("text-classification", model=str(trained))([BILL, PRAISE])
    assert [one["label"] for one in answers] == ["payment", "praise"]


@pytest.mark.parametrize("texts", [BILL, [BILL], [BILL, PRAISE]])
@pytest.mark.parametrize(
    "parameters",
    [{}, {"top_k": 1}, {"top_k": 3}, {"top_k": None}, {"top_k": 9, "function_to_apply": "sigmoid"}],
)
def test_answers_are_those_of_the_pipeline(model, texts, parameters):
    expected = pipeline("text-classification", model=model.network, tokenizer=model.tokenizer)(texts, **parameters)
    found = ask(model, texts, **parameters)
    assert json.dumps(rounded(found)) == json.dumps(rounded(expected))


def rounded(answer):
    if isinstance(answer, list):
        return [rounded(one) for one in answer]
    return {"label": answer["label"], "score": round(answer["score"], 5)}


def test_many_texts_are_answered_like_one_by_one(model):
    texts = [PRAISE, BILL, "Return the mirror, please: it has a scratch.", "?"] * 100
    alone = [ask(model, text)[0] for text in texts[:4]]
    for place, answer in enumerate(ask(model, texts)):
        assert answer["label"] == alone[place % 4]["label"]
        assert answer["score"] == pytest.approx(alone[place % 4]["score"], abs=1e-5)


def test_texts_that_are_too_long_are_cut(model):
    start = " ".join(["lamp"] * 30)
    assert ask(model, f"{start} {PRAISE}") == ask(model, start)


def test_an_interrupted_training_ends_like_one_that_was_not(job, tmp_path, capsys):
    whole = train(testing.job(tmp_path / "other"), epochs=4)
    uninterrupted = metrics(capsys.readouterr().out)
    train(job, epochs=2)
    capsys.readouterr()
    resumed = train(job, epochs=4)
    assert metrics(capsys.readouterr().out) == uninterrupted[2:]
    assert ask(resumed.eval(), BILL, top_k=None) == ask(whole.eval(), BILL, top_k=None)


def test_a_training_that_is_stopped_leaves_what_it_has(tmp_path):
    job = testing.job(tmp_path / "ml", stopped=True)
    adapter.save(train(job, epochs=100), tmp_path)
    assert len(ask(adapter.load(str(tmp_path)), BILL, top_k=None)) == 4


def test_it_goes_on_from_the_model_in_a_channel(job, trained, capsys):
    train(job, base=trained, epochs=1)
    (first,) = metrics(capsys.readouterr().out)
    assert first["validation:accuracy"] > 0.9


def test_the_model_in_a_channel_may_have_been_for_other_labels(job, model, tmp_path, capsys):
    base = tmp_path / "model"
    base.mkdir()
    model.network.num_labels = 2
    model.network.classifier = torch.nn.Linear(32, 2)
    model.network.config.num_labels = 2
    adapter.save(model, base)
    other = train(job, base=base, epochs=3)
    log = capsys.readouterr().out
    assert "channel 'model': new weights for classifier.bias, classifier.weight\n" in log
    assert other.labels == ["delivery", "payment", "praise", "return"]
    assert metrics(log)[-1]["validation:accuracy"] > 0.9


def test_a_channel_without_a_model_is_refused(job, tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(UserError, match=r"channel 'model' has no model to fine-tune: there is no config\.json"):
        train(job, base=tmp_path / "model")
