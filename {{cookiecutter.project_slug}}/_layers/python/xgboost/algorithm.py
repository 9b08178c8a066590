"""Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, features, train and predict.

The example predicts which customers of a bank will open a deposit, from numeric columns with gaps in them. Replace it
with your own; `make local-test` then shows whether SageMaker will take it.
"""

from pydantic import Field

from runtime.api import BoosterParameters, Objective, boost, libsvm, predicted, read_labelled

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
# Requests may be in LIBSVM as well.
SUPPORTED_CONTENT_TYPES, input_fn = libsvm.CONTENT_TYPES, libsvm.input_fn


class Hyperparameters(BoosterParameters):
    """What a job can set: those of Amazon SageMaker's XGBoost by their names, and here another default."""

    objective: Objective = Field("binary:logistic", description="what is learned")


def train(channels, hyperparameters, job):
    """Boost on the `train` channel and watch `validation`: CSV without header, the label first, or LIBSVM.

    The booster that is returned is saved for `predict`. On several hosts each boosts on its share of the rows.
    """
    data = read_labelled(channels["train"], hyperparameters)
    validation = read_labelled(channels["validation"], hyperparameters) if "validation" in channels else None
    return boost(hyperparameters, data, validation, job)


def predict(model, features):
    """Predict the probability of a deposit for each row of `features`, of shape (rows, 6), or of each class."""
    return predicted(model, features)
