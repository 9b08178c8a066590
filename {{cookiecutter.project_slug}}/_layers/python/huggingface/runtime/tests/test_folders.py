"""A model's folder is read without running what it holds, and without asking the hub."""

import json
import socket

import pytest
import torch
from transformers import DistilBertConfig, GPT2Config, GPT2LMHeadModel

from runtime import adapter, text
from runtime.errors import UserError
from runtime.text import vocabulary
from runtime.training.channels import Channel

LABELS = ["no", "yes"]


@pytest.fixture
def folder(tmp_path):
    config = DistilBertConfig(dim=8, hidden_dim=8, n_heads=2, n_layers=1, max_position_embeddings=16)
    adapter.save(text.untrained(config, ["tea", "coffee"], LABELS), tmp_path)
    return tmp_path


def change(file, **values):
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_what_was_saved_is_read_back(folder):
    found = adapter.load(str(folder))
    assert found.labels == LABELS
    assert found(["tea"]).shape == (1, 2)
    assert all(file.stat().st_mode & 0o444 == 0o444 for file in folder.iterdir())


def test_the_network_is_not_used(folder, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("it asked the network"))
    adapter.load(str(folder))
    text.pretrained(Channel("model", folder), ["cold", "warm"], 8)


def test_code_in_the_folder_is_not_run(folder):
    code = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
    (folder / "own.py").write_text(code + "class Own:\n    pass\n")
    names = ("AutoConfig", "AutoModelForSequenceClassification")
    change(folder / "config.json", auto_map={name: "own.Own" for name in names})
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.Own", "own.Own"]})
    assert adapter.load(str(folder)).labels == LABELS
    change(folder / "config.json", model_type="own")
    with pytest.raises(ValueError):
        adapter.load(str(folder))
    assert not (folder / "ran").exists()


def test_a_network_that_writes_texts_can_learn_to_classify_them(tmp_path):
    tokenizer = vocabulary.tokenizer(["tea", "coffee"], 16)
    tokenizer.pad_token, tokenizer.eos_token = None, "[SEP]"
    tokenizer.save_pretrained(tmp_path)
    size = len(tokenizer)
    GPT2LMHeadModel(GPT2Config(vocab_size=size, n_positions=8, n_embd=8, n_layer=1, n_head=2)).save_pretrained(tmp_path)
    found = text.pretrained(Channel("model", tmp_path), LABELS, 16)
    assert found(["tea", "tea coffee tea", "tea " * 20]).shape == (3, 2)


def test_a_folder_of_unknown_kind_is_refused_in_words(folder):
    change(folder / "config.json", model_type="unheard-of")
    with pytest.raises(UserError, match=r"channel 'model' has no model to fine-tune: .*unheard-of"):
        text.pretrained(Channel("model", folder), LABELS, 8)


def test_weights_in_a_pickle_are_not_read(folder):
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(OSError):
        adapter.load(str(folder))
    with pytest.raises(UserError, match="channel 'model' has no model to fine-tune"):
        text.pretrained(Channel("model", folder), LABELS, 8)


def test_a_part_of_the_weights_is_not_served(folder):
    config = json.loads((folder / "config.json").read_text())
    change(folder / "config.json", n_layers=config["n_layers"] + 1)
    with pytest.raises(ValueError, match=r"the weights distilbert\.transformer\.layer\.1\.\S+, .* are missing"):
        adapter.load(str(folder))


def test_another_model_is_refused_in_words(tmp_path):
    with pytest.raises(UserError, match=r"train\(\) must return a classifier of runtime.text"):
        adapter.save(torch.nn.Linear(1, 1), tmp_path)
