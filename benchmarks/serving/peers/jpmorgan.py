"""JPMorgan's inference-server, as its documentation says: four hooks, the model loaded on start."""

import csv
import io
import sys

import inference_server
import workloads
from inference_server import _plugin


@inference_server.plugin_hook()
def model_fn(model_dir):
    """Load the model."""
    return workloads.load()


@inference_server.plugin_hook()
def input_fn(input_data, content_type):
    """Read CSV."""
    return workloads.features(list(csv.reader(io.StringIO(input_data.decode()))))


@inference_server.plugin_hook()
def predict_fn(data, model):
    """Predict."""
    return workloads.predict(model, data)


@inference_server.plugin_hook()
def output_fn(prediction, accept):
    """Write CSV."""
    return "".join(",".join(map(str, row)) + "\n" for row in prediction).encode(), "text/csv"


# Packages register themselves by an entry point; this module is none.
_plugin.manager().register(sys.modules[__name__])
inference_server.warmup()
app = inference_server.create_app()
