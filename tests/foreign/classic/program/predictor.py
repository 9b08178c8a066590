"""The Flask application: the model is loaded by the first request of each worker, pandas reads and writes CSV."""

import io
import os
import pickle

import flask
import pandas as pd

MODEL = "/opt/ml/model"


class ScoringService:
    """Keeps the model."""

    model = None

    @classmethod
    def get_model(cls):
        """Return the model, loaded when it is first asked for."""
        if cls.model is None:
            with open(os.path.join(MODEL, "decision-tree-model.pkl"), "rb") as file:
                cls.model = pickle.load(file)
        return cls.model

    @classmethod
    def predict(cls, data):
        """Return a label for each row of a data frame."""
        return cls.get_model().predict(data.values)


app = flask.Flask(__name__)


@app.route("/ping", methods=["GET"])
def ping():
    """Healthy is who can load the model."""
    healthy = ScoringService.get_model() is not None
    return flask.Response(response="\n", status=200 if healthy else 404, mimetype="application/json")


@app.route("/invocations", methods=["POST"])
def invocations():
    """Answer CSV with CSV."""
    if flask.request.content_type != "text/csv":
        return flask.Response(response="This predictor only supports CSV data", status=415, mimetype="text/plain")
    data = pd.read_csv(io.StringIO(flask.request.data.decode("utf-8")), header=None)
    print(f"Invoked with {data.shape[0]} records")
    out = io.StringIO()
    pd.DataFrame({"results": ScoringService.predict(data)}).to_csv(out, header=False, index=False)
    return flask.Response(response=out.getvalue(), status=200, mimetype="text/csv")
