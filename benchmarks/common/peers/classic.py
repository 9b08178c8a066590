"""The classic stack's Flask application: a model kept by the first request that asks for it, pandas for CSV."""

import io
import os
from functools import cache
from importlib import import_module

import flask
import pandas

workloads = import_module(os.environ["MODEL_MODULE"])
app = flask.Flask(__name__)
model = cache(workloads.load)


@app.get("/ping")
def ping():
    """Healthy is who can load the model."""
    return flask.Response(status=200 if model() is not None else 404)


@app.post("/invocations")
def invocations():
    """Only CSV."""
    if flask.request.content_type != "text/csv":
        return flask.Response("this predictor only takes CSV", status=415, mimetype="text/plain")
    data = pandas.read_csv(io.StringIO(flask.request.data.decode("utf-8")), header=None)
    answer = io.StringIO()
    pandas.DataFrame(workloads.predict(model(), data)).to_csv(answer, header=False, index=False)
    return flask.Response(answer.getvalue(), status=200, mimetype="text/csv")
