"""The hyperparameters of Amazon SageMaker's XGBoost, by their names, for as far as XGBoost still has them.

https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
https://xgboost.readthedocs.io/en/stable/parameter.html
"""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

# The metrics that XGBoost has, of which some take a number: error@0.6, ndcg@10-, tweedie-nloglik@1.5.
METRIC = re.compile(
    r"(rmse|rmsle|mae|mape|mphe|logloss|error|merror|mlogloss|auc|aucpr|poisson-nloglik|gamma-nloglik|gamma-deviance"
    r"|cox-nloglik|(ndcg|map|pre)(@[0-9]+)?-?)|error@[0-9.]+|tweedie-nloglik@[0-9.]+"
)
# Those of which more is better.
MAXIMISED = ("auc", "aucpr", "ndcg", "map", "pre")
# What is no parameter of XGBoost's own.
OURS = {"num_round", "early_stopping_rounds", "csv_weights"}


def metrics(value: Any) -> Any:
    """Names of metrics between commas, as a list."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


def known_metric(name: str) -> str:
    """Raise ValueError for a metric that XGBoost does not have."""
    if not METRIC.fullmatch(name):
        raise ValueError(f"{name!r} is not a metric of XGBoost's")
    return name


def constraint(value: Any) -> Any:
    """Return a list, for one of XGBoost's texts that was read as JSON."""
    return json.dumps(value).replace(" ", "") if isinstance(value, list) else value


# Objectives of AWS's list that are not to be had here, and why.
WITHOUT = {
    "reg:linear": "XGBoost calls it reg:squarederror now",
    "survival:aft": "it needs a lower and an upper label for each row, and a channel has one",
}


def possible(objective: Any) -> Any:
    """Raise ValueError, with the reason, for an objective that AWS has and this does not."""
    if isinstance(objective, str) and objective in WITHOUT:
        raise ValueError(WITHOUT[objective])
    return objective


KnownObjective = Literal[
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:logistic",
    "reg:pseudohubererror",
    "reg:absoluteerror",
    "reg:gamma",
    "reg:tweedie",
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "survival:cox",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
]
Objective = Annotated[KnownObjective, BeforeValidator(possible)]
Share = Annotated[float, Field(gt=0, le=1)]
Metric = Annotated[str, AfterValidator(known_metric)]
Constraint = Annotated[str | None, BeforeValidator(constraint)]
# Names that AWS's container takes as well.
ALSO = {
    "eta": "learning_rate",
    "gamma": "min_split_loss",
    "lambda": "reg_lambda",
    "alpha": "reg_alpha",
}


def spellings(name: str) -> AliasChoices:
    """Return what a job may call a field: its name, which for `lambda_` is no word of Python's, with hyphens, too."""
    names = [name.removesuffix("_")]
    names += [ALSO[one] for one in names if one in ALSO]
    return AliasChoices(*dict.fromkeys(one for name in names for one in (name, name.replace("_", "-"))))


class BoosterParameters(BaseModel):
    """The hyperparameters; None leaves a choice to XGBoost."""

    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=spellings))

    num_round: int = Field(100, ge=1, description="rounds of boosting, at most")
    early_stopping_rounds: int | None = Field(
        None, ge=1, description="rounds without a better last metric on validation after which training ends"
    )
    csv_weights: int = Field(0, ge=0, le=1, description="1: the second column of CSV is the row's weight")
    objective: Objective = Field("reg:squarederror", description="what is learned")
    num_class: int | None = Field(None, ge=2, description="classes, for the objectives that begin with multi")
    eval_metric: Annotated[list[Metric] | None, BeforeValidator(metrics)] = Field(
        None, description="metrics, a list or with commas between; the last decides on early stopping"
    )
    booster: Literal["gbtree", "dart"] = Field("gbtree", description="kind of booster")
    eta: float = Field(0.3, ge=0, le=1, description="share of each tree in the sum")
    max_depth: int = Field(6, ge=0, description="depth of a tree; 0: no limit")
    max_leaves: int = Field(0, ge=0, description="leaves of a tree; 0: no limit")
    min_child_weight: float = Field(1, ge=0, description="least sum of hessians in a leaf")
    gamma: float = Field(0, ge=0, description="least loss that a split must save")
    lambda_: float = Field(1, ge=0, description="L2 regularisation")
    alpha: float = Field(0, ge=0, description="L1 regularisation")
    subsample: Share = Field(1, description="share of the rows that a tree sees")
    colsample_bytree: Share = Field(1, description="share of the columns that a tree sees")
    colsample_bylevel: Share = Field(1, description="share of those for each level")
    colsample_bynode: Share = Field(1, description="share of those for each split")
    max_delta_step: float = Field(0, ge=0, description="largest step of a leaf; 0: no limit")
    scale_pos_weight: float = Field(1, ge=0, description="weight of positive rows")
    base_score: float | None = Field(None, description="prediction before the first tree")
    num_parallel_tree: int = Field(1, ge=1, description="trees in each round")
    tree_method: Literal["auto", "exact", "approx", "hist"] = Field("auto", description="how splits are found")
    grow_policy: Literal["depthwise", "lossguide"] = Field("depthwise", description="which leaf is split next")
    max_bin: int = Field(256, ge=2, description="bins of a feature")
    monotone_constraints: Constraint = Field(None, description="for each feature 1, 0 or -1: (1,0,-1)")
    interaction_constraints: Constraint = Field(None, description="features that may meet in a tree: [[0,1],[2]]")
    tweedie_variance_power: float = Field(1.5, gt=1, lt=2, description="for reg:tweedie")
    huber_slope: float = Field(1, gt=0, description="for reg:pseudohubererror")
    sample_type: Literal["uniform", "weighted"] = Field("uniform", description="dart: which trees are dropped")
    normalize_type: Literal["tree", "forest"] = Field("tree", description="dart: how weights are kept")
    rate_drop: float = Field(0, ge=0, le=1, description="dart: share of the trees that are dropped")
    one_drop: int = Field(0, ge=0, le=1, description="dart: 1: at least one is dropped")
    skip_drop: float = Field(0, ge=0, le=1, description="dart: how often none is dropped")
    nthread: int | None = Field(None, ge=1, description="threads; by default one for each CPU")
    seed: int = Field(0, ge=0, description="seed")
    verbosity: int = Field(1, ge=0, le=3, description="0: silent, 3: debug")

    @model_validator(mode="after")
    def classes_fit(self) -> "BoosterParameters":
        """Raise ValueError unless there is a number of classes where, and only where, the objective has any."""
        if self.objective.startswith("multi:") != (self.num_class is not None):
            raise ValueError("num_class belongs to the objectives multi:softmax and multi:softprob, which need it")
        return self

    def of_xgboost(self) -> dict[str, Any]:
        """Return the parameters as XGBoost takes them, without those that are its own defaults.

        XGBoost warns of each that the chosen booster or objective does not use.
        """
        defaults = {name: field.default for name, field in BoosterParameters.model_fields.items()}
        given = self.model_dump(include=defaults.keys() - OURS)
        return {name.removesuffix("_"): value for name, value in given.items() if value != defaults[name]}
