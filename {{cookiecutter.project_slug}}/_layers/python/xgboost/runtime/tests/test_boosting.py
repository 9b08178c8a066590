"""The hyperparameters of AWS's XGBoost, and what is boosted with them."""

from typing import get_args

import numpy as np
import pytest

from runtime import adapter, declaration, testing
from runtime.api import BoosterParameters, Labelled, boost, predicted, read_labelled
from runtime.errors import InputError, UserError
from runtime.training import boosting
from runtime.training.booster_parameters import OURS, KnownObjective
from runtime.training.channels import Channel
from runtime.training.hyperparameters import parse

ROWS = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, np.nan], [4.0, 7.0]] * 10)


def labelled(values=(0, 0, 1, 2), queries=None):
    return Labelled(ROWS, np.array(list(values) * 10, float), queries=queries)


def settings(**strings):
    return parse({"num_round": "3"} | strings, BoosterParameters)


@pytest.mark.parametrize("name", ["max_depth", "max-depth"])
def test_hyphens_stand_for_underscores(name):
    assert settings(**{name: "3"}).max_depth == 3


@pytest.mark.parametrize(
    ("gpus", "built_for_gpus", "expected"), [(1, True, "cuda"), (1, False, "cpu"), (0, True, "cpu")]
)
def test_a_gpu_is_used_where_there_is_one_and_the_package_knows_it(monkeypatch, gpus, built_for_gpus, expected):
    monkeypatch.setattr(boosting, "gpu_count", lambda: gpus)
    monkeypatch.setattr(boosting.xgboost, "build_info", lambda: {"USE_CUDA": built_for_gpus})
    assert boosting.device() == expected


def test_what_is_set_twice_is_refused():
    with pytest.raises(UserError, match="'max_depth' is set twice, also as 'max-depth': set it once"):
        settings(**{"max_depth": "3", "max-depth": "4"})


@pytest.mark.parametrize("name", ["lambda", "reg_lambda", "reg-lambda"])
def test_what_is_no_name_in_python_has_awss_name(name):
    assert settings(**{name: "0.5"}).of_xgboost()["lambda"] == 0.5


@pytest.mark.parametrize(
    ("strings", "message"),
    [
        ({"max_deph": "3"}, "hyperparameter 'max_deph' is unknown: did you mean 'max_depth'?"),
        ({"eta": "2"}, "hyperparameter 'eta' is '2'"),
        ({"min-child-weight": "-1"}, "hyperparameter 'min_child_weight' is '-1'"),
        ({"eval_metric": "auc,acu"}, "'acu' is not a metric"),
        ({"objective": "binary:logit"}, "hyperparameter 'objective' is 'binary:logit'"),
        (
            {"objective": "multi:softprob"},
            "the hyperparameters do not fit together: num_class belongs to the objectives",
        ),
        (
            {"objective": "reg:linear"},
            "hyperparameter 'objective' is 'reg:linear': XGBoost calls it reg:squarederror now",
        ),
        ({"objective": "survival:aft"}, "'survival:aft': it needs a lower and an upper label for each row"),
    ],
)
def test_what_does_not_fit_is_refused(strings, message):
    with pytest.raises(UserError, match=message):
        settings(**strings)


@pytest.mark.parametrize("given", ["auc,logloss", '["auc", "logloss"]', "auc, logloss"])
def test_metrics_are_a_list_or_have_commas_between(given):
    assert settings(eval_metric=given).eval_metric == ["auc", "logloss"]


def test_describe_names_them_as_aws_does():
    class Algorithm:
        Hyperparameters = BoosterParameters

    found = {one["Name"] for one in declaration.declaration(Algorithm, {})["SupportedHyperParameters"]}
    assert {"lambda", "max_depth", "num_round"} <= found
    assert "lambda_" not in found


@pytest.mark.filterwarnings("error:.*not used")
def test_every_parameter_is_one_of_xgboosts(tmp_path):
    trees = {"eta": "0.1", "max_depth": "3", "max_leaves": "5", "min_child_weight": "2", "gamma": "0.1", "lambda": "2"}
    trees |= {"alpha": "0.1", "subsample": "0.9", "max_delta_step": "1", "scale_pos_weight": "2", "base_score": "0.4"}
    trees |= {"colsample_bytree": "0.9", "colsample_bylevel": "0.9", "colsample_bynode": "0.9", "max_bin": "8"}
    trees |= {"num_parallel_tree": "2", "tree_method": "hist", "grow_policy": "lossguide", "verbosity": "2"}
    trees |= {"seed": "1", "monotone_constraints": "(1,0)", "interaction_constraints": "[[0], [1]]", "nthread": "1"}
    dart = {"booster": "dart", "sample_type": "weighted", "normalize_type": "forest", "rate_drop": "0.1"}
    dart |= {"one_drop": "1", "skip_drop": "0.1"}
    tweedie = {"objective": "reg:tweedie", "tweedie_variance_power": "1.2"}
    huber = {"objective": "reg:pseudohubererror", "huber_slope": "2"}
    set_once = set().union(*(settings(**one).of_xgboost() for one in (trees, dart, tweedie, huber)))
    never_set = {"num_class", "eval_metric"}
    assert {name.removesuffix("_") for name in BoosterParameters.model_fields} - OURS == set_once | never_set
    for one in (trees, dart, tweedie, huber):
        boost(settings(**one), labelled(), None, testing.job(tmp_path))


def between(low, high):
    return lambda found: ((found >= low) & (found <= high)).all()


# objective -> what holds for all that it predicts
OBJECTIVES = {
    "reg:squarederror": np.isfinite,
    "reg:squaredlogerror": np.isfinite,
    "reg:pseudohubererror": np.isfinite,
    "reg:absoluteerror": np.isfinite,
    "reg:logistic": between(0, 1),
    "reg:gamma": between(0, np.inf),
    "reg:tweedie": between(0, np.inf),
    "binary:logistic": between(0, 1),
    "binary:logitraw": np.isfinite,
    "binary:hinge": lambda found: np.isin(found, [0, 1]),
    "count:poisson": between(0, np.inf),
    "survival:cox": between(0, np.inf),
    "multi:softmax": lambda found: np.isin(found, [0, 1]),
    "multi:softprob": between(0, 1),
    "rank:pairwise": np.isfinite,
    "rank:ndcg": np.isfinite,
    "rank:map": np.isfinite,
}


@pytest.mark.parametrize("objective", get_args(KnownObjective))
def test_every_objective_learns_and_answers_in_its_range(tmp_path, objective):
    labels = (1, 1, 2, 2) if objective in ("reg:gamma", "survival:cox") else (0, 0, 1, 1)
    strings = {"objective": objective, "num_round": "9", "min_child_weight": "0"}
    strings |= {"num_class": "2"} if objective.startswith("multi:") else {}
    queries = np.repeat(np.arange(10), 4) if objective.startswith("rank:") else None
    model = boost(settings(**strings), labelled(labels, queries), None, testing.job(tmp_path))
    adapter.save(model, str(tmp_path))
    found = predicted(adapter.load(str(tmp_path)), ROWS)
    assert np.all(OBJECTIVES[objective](found))
    scores = found[:, 1] if found.ndim == 2 else found
    rising, low, high = objective != "survival:cox", scores[:2], scores[2:4]  # cox: who lives longer is at less risk
    assert (high > low).all() if rising else (high < low).all()


def test_what_learns_to_rank_needs_queries(tmp_path):
    with pytest.raises(UserError, match=r"'rank:ndcg' needs to know which rows belong to one query: give LIBSVM"):
        boost(settings(objective="rank:ndcg"), labelled(), None, testing.job(tmp_path))


def test_early_stopping_knows_that_more_of_a_ranks_metric_is_better(tmp_path):
    features = np.random.default_rng(0).normal(size=(200, 2))
    data = Labelled(features, (features.sum(axis=1) > 0).astype(float), queries=np.repeat(np.arange(20), 10))
    stumps = {"num_round": "20", "max_depth": "1", "early_stopping_rounds": "20", "eval_metric": "ndcg@5"}
    model = boost(settings(objective="rank:ndcg", **stumps), data, data, testing.job(tmp_path))
    assert model.best_iteration > 0 and model.best_score > 0.9


def test_softprob_answers_with_the_probability_of_each_class(tmp_path):
    model = boost(settings(objective="multi:softprob", num_class="3"), labelled(), None, testing.job(tmp_path))
    adapter.save(model, str(tmp_path))
    probabilities = predicted(adapter.load(str(tmp_path)), ROWS)
    assert probabilities.shape == (40, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert probabilities[3].argmax() == 2


def test_weights_are_the_second_column(tmp_path):
    (tmp_path / "rows.csv").write_text("1,0.5,7,\n0,2,,8\n")
    data = read_labelled(Channel("train", tmp_path), settings(csv_weights="1"))
    np.testing.assert_array_equal(data.weights, [0.5, 2])
    np.testing.assert_array_equal(data.features, [[7, np.nan], [np.nan, 8]])


def test_a_row_without_a_label_is_named(tmp_path):
    (tmp_path / "rows.csv").write_text("1,7\n,8\n")
    with pytest.raises(InputError, match="channel 'train', row 2 of all files: the label is empty"):
        read_labelled(Channel("train", tmp_path), settings())


def test_what_xgboost_refuses_is_a_sentence(tmp_path):
    with pytest.raises(UserError) as caught:
        boost(settings(objective="binary:logistic"), labelled((5, 7, 8, 9)), None, testing.job(tmp_path))
    assert str(caught.value).startswith("XGBoost refuses the data or the hyperparameters: ")
    assert "Stack" not in str(caught.value) and len(str(caught.value)) < 200


def test_early_stopping_needs_the_channel_that_it_watches(tmp_path):
    with pytest.raises(UserError, match="'early_stopping_rounds' needs the channel 'validation'"):
        boost(settings(early_stopping_rounds="2"), labelled(), None, testing.job(tmp_path))


def test_another_number_of_features_is_refused(tmp_path):
    model = boost(settings(), labelled(), None, testing.job(tmp_path))
    with pytest.raises(InputError, match=r"expected features of shape \(rows, 2\), got \(1, 3\)"):
        predicted(model, np.zeros((1, 3)))
