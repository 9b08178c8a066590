"""The hooks of inference-server: a straight line, asked in CSV."""

import csv
import io
import json
from pathlib import Path

import inference_server


@inference_server.plugin_hook()
def model_fn(model_dir):
    """Read intercept and slope."""
    return json.loads(Path(model_dir, "line.json").read_text())


@inference_server.plugin_hook()
def input_fn(input_data, content_type):
    """Read a number from each row."""
    return [float(row[0]) for row in csv.reader(io.StringIO(input_data.decode()))]


@inference_server.plugin_hook()
def predict_fn(data, model):
    """Predict a number for each."""
    return [model["intercept"] + model["slope"] * x for x in data]


@inference_server.plugin_hook()
def output_fn(prediction, accept):
    """Write a row for each."""
    return "\n".join(map(repr, prediction)).encode(), "text/csv"
