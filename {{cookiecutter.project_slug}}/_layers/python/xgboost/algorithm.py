"""Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, features, train and predict.

The example predicts which customers of a bank will open a deposit, from numeric columns with gaps in them. Replace it
with your own; `make local-test` then shows whether SageMaker will take it.
"""

from pydantic import Field

from runtime.api import BoosterParameters, Objective, boost, default_input_fn, libsvm, predicted, read_labelled

# The columns that the model reads, in the order of the training data. Requests name them (a CSV header, JSON objects)
# or send them in this order; what is empty is missing.
FEATURES = {
    "age": float,
    "balance": float,
    "housing_loan": float,
    "personal_loan": float,
    "contacts": float,
    "days_since_contact": float,
}
SUPPORTED_CONTENT_TYPES = [
    *("text/csv", "application/json", "application/jsonlines", "application/x-npy"),
    *libsvm.MEDIA_TYPES,
]


class Hyperparameters(BoosterParameters):
    """What a job can set: those of Amazon SageMaker's XGBoost by their names, and here other defaults."""

    num_round: int = Field(100, ge=1, description="rounds of boosting, at most")
    objective: Objective = Field("binary:logistic", description="what is learned")


def train(channels, hyperparameters, job):
    """Boost on the `train` channel and watch `validation`: CSV without header, the label first, or LIBSVM.

    The booster that is returned is saved for `predict`. On several hosts each boosts on its share of the rows.
    """
    weights = bool(hyperparameters.csv_weights)
    data = read_labelled(channels["train"], weights=weights)
    validation = read_labelled(channels["validation"], weights=weights) if "validation" in channels else None
    return boost(hyperparameters, data, validation, job)


def input_fn(body, content_type, charset="utf-8"):
    """Read a request: LIBSVM, or one of the usual types."""
    if content_type in libsvm.MEDIA_TYPES:
        return libsvm.decode(body, charset)
    return default_input_fn(body, content_type, charset)


def predict(model, features):
    """Predict the probability of a deposit for each row of `features`, of shape (rows, 6), or of each class.

    An InputError becomes an answer with status 400 that shows its message; any other exception one with 500.
    """
    return predicted(model, features)
