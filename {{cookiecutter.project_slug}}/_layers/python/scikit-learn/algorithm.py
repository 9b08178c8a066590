"""Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, features, train and predict.

The example predicts which customers will cancel, from numeric and categorical columns with gaps in them. Replace it
with your own; `make local-test` then shows whether SageMaker will take it.
"""

from pydantic import BaseModel, Field
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from runtime.api import adapter

TARGET = "cancelled"

# The columns that the model reads, the same for training and for every request: numbers, or text for categories.
# Requests name them (a CSV header, JSON objects) or send them in this order.
FEATURES = {
    "tenure_months": float,
    "monthly_charge": float,
    "support_calls": float,
    "contract": str,
    "payment": str,
}

TREES_AT_ONCE = 10
CHECKPOINT_EVERY = 50  # trees


class Hyperparameters(BaseModel):
    """What a job can set: SageMaker's strings arrive here with the types, limits and defaults below."""

    n_estimators: int = Field(100, ge=1, description="trees")
    learning_rate: float = Field(0.1, gt=0, le=1, description="share of each tree in the sum")
    max_depth: int = Field(2, ge=1, le=32, description="depth of a tree")
    random_state: int = Field(0, ge=0, description="seed")


def train(channels, hyperparameters, job):
    """Fit a pipeline to the `train` channel and watch it on `validation`: CSV files with a header.

    The pipeline that is returned is saved for `predict`. `job` may be left out of the signature; it is what a long
    training needs: checkpoints, the signal to stop, metrics.
    """
    features, target = read(channels["train"])
    validation = read(channels["validation"]) if "validation" in channels else None

    pipeline, trees = build(hyperparameters), 0
    if checkpoint := job.checkpoints.latest():
        pipeline = adapter.read(checkpoint)
        trees = pipeline["classify"].n_estimators

    while trees < hyperparameters.n_estimators and not (job.stopping and trees):
        trees = min(trees + TREES_AT_ONCE, hyperparameters.n_estimators)
        pipeline.set_params(classify__n_estimators=trees).fit(features, target)
        job.report({"trees": trees} | scores("train", pipeline, features, target))
        if validation:
            job.report(scores("validation", pipeline, *validation))
        if trees % CHECKPOINT_EVERY == 0:
            with job.checkpoints.write(trees, ".skops") as path:
                adapter.dump(pipeline, path)
    return pipeline


def predict(model, features):
    """Predict the label and the probability of each class for each row of `features`, a data frame.

    An InputError becomes an answer with status 400 that shows its message; any other exception one with 500.
    """
    probabilities = model.predict_proba(features)
    labels = model.classes_[probabilities.argmax(axis=1)].tolist()
    classes = model.classes_.tolist()
    return [
        {"label": label, "probabilities": dict(zip(classes, row, strict=True))}
        for label, row in zip(labels, probabilities.tolist(), strict=True)
    ]


def build(hyperparameters):
    """Return the untrained pipeline: fill the gaps, encode the categories, boost trees."""
    numbers = [name for name, kind in FEATURES.items() if kind is float]
    categories = [name for name, kind in FEATURES.items() if kind is str]
    prepare = ColumnTransformer(
        [
            ("numbers", SimpleImputer(strategy="median", add_indicator=True), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        ]
    )
    # warm_start: a fit with more trees keeps the trees that exist.
    classify = GradientBoostingClassifier(
        learning_rate=hyperparameters.learning_rate,
        max_depth=hyperparameters.max_depth,
        random_state=hyperparameters.random_state,
        warm_start=True,
    )
    return Pipeline([("prepare", prepare), ("classify", classify)])


def read(channel):
    """Return the features and the target of a channel: a data frame (polars) and an array of shape (rows,)."""
    return channel.matrix(FEATURES), channel.column(TARGET)


def scores(name, pipeline, features, target):
    """Return the metrics of the pipeline on some data."""
    probabilities = pipeline.predict_proba(features)
    labels = pipeline.classes_[probabilities.argmax(axis=1)]
    return {
        f"{name}:accuracy": accuracy_score(target, labels),
        f"{name}:log_loss": log_loss(target, probabilities, labels=pipeline.classes_),
    }
