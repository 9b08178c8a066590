"""Who survives a shipwreck: logistic regression over columns of numbers and categories, with gaps in them."""

import numpy as np
from pydantic import BaseModel, Field
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

TARGET = "Survived"

# The columns that the model reads, by name: the file has more, such as Name and Ticket, which are ignored.
FEATURES = {"Pclass": str, "Sex": str, "Age": float, "SibSp": float, "Parch": float, "Fare": float, "Embarked": str}


class Hyperparameters(BaseModel):
    """What a job can set."""

    C: float = Field(1.0, gt=0, description="inverse of the strength of regularisation")


def train(channels, hyperparameters, job):
    """Fit a pipeline to the `train` channel: CSV with a header, as the Titanic's passengers usually come."""
    features, target = channels["train"].matrix(FEATURES), channels["train"].column(TARGET).astype(int)
    prepare = ColumnTransformer(
        [
            ("skewed", make_pipeline(SimpleImputer(), FunctionTransformer(np.log1p), StandardScaler()), ["Fare"]),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["Age", "SibSp", "Parch"]),
            ("categories", OneHotEncoder(handle_unknown="ignore"), ["Pclass", "Sex", "Embarked"]),
        ]
    )
    pipeline = make_pipeline(prepare, LogisticRegression(C=hyperparameters.C, max_iter=1000)).fit(features, target)
    job.report({"train:accuracy": accuracy_score(target, pipeline.predict(features))})
    return pipeline


def predict(model, features):
    """Return the probability that each passenger survives; `features` is a data frame (polars)."""
    return model.predict_proba(features)[:, 1]
