"""Rounds of boosting, with metrics, early stopping and checkpoints, on one host or several."""

import re

import xgboost

from runtime.distributed import consensus, distribution
from runtime.errors import UserError
from runtime.resources import gpu_count
from runtime.training.booster_parameters import MAXIMISED, BoosterParameters
from runtime.training.job import Job
from runtime.training.labelled import Labelled

CHECKPOINT_EVERY = 50  # rounds


def boost(parameters: BoosterParameters, train: Labelled, validation: Labelled | None, job: Job) -> xgboost.Booster:
    """Boost until there are `num_round` rounds, or the last metric on `validation` no longer gets better.

    A booster that early stopping has watched says its `best_iteration`, which `adapter.predicted` keeps to. Metrics are
    those of all hosts: `train:logloss`, `validation:logloss`. Of `auc` and `aucpr` XGBoost gives the mean of the hosts'
    own, so that early stopping by them may choose another round than on one host. Where rows or columns are sampled,
    the round after a resumption draws others than it would have: XGBoost does not keep its generator.
    Raises UserError for data or parameters that XGBoost refuses.
    """
    patience = parameters.early_stopping_rounds
    if patience and validation is None:
        raise UserError("hyperparameter 'early_stopping_rounds' needs the channel 'validation', which the job lacks")
    if parameters.objective.startswith("rank:") and train.queries is None:
        raise UserError(
            f"objective '{parameters.objective}' needs to know which rows belong to one query: give LIBSVM "
            "(content type text/libsvm) whose lines begin with a label and qid:number"
        )
    watched = [(matrix(data), name) for data, name in ((train, "train"), (validation, "validation")) if data]
    checkpoint = job.checkpoints.latest()
    try:
        booster = xgboost.Booster(
            parameters.of_xgboost() | {"seed_per_iteration": True, "device": device()},
            [data for data, _ in watched],
            model_file=checkpoint,
        )
        consensus.require_same("number of rounds in their checkpoints", booster.num_boosted_rounds())
        stopping = False
        while booster.num_boosted_rounds() < parameters.num_round and not exhausted(booster, patience) and not stopping:
            number = booster.num_boosted_rounds()
            booster.update(watched[0][0], number)
            scores = scores_of(booster.eval_set(watched, number))
            if patience:
                note_best(booster, number, *list(scores.items())[-1])
            job.report({"round": number + 1} | scores)
            stopping = consensus.anyone(bool(job.stopping))
            if job.is_first and (stopping or (number + 1) % CHECKPOINT_EVERY == 0):
                with job.checkpoints.write(number + 1, ".ubj") as path:
                    booster.save_model(path)
    except xgboost.core.XGBoostError as error:
        if distribution.size() > 1:  # another host may be the reason
            raise
        raise UserError(f"XGBoost refuses the data or the hyperparameters: {refusal(error)}") from error
    return booster


def device() -> str:
    """Return where XGBoost computes: on the GPU of a host that has one, if its package has the code for that."""
    return "cuda" if gpu_count() and xgboost.build_info()["USE_CUDA"] else "cpu"


def matrix(data: Labelled) -> xgboost.DMatrix:
    """Return the rows as XGBoost keeps them."""
    return xgboost.DMatrix(data.features, data.labels, weight=data.weights, qid=data.queries)


def scores_of(text: str) -> dict[str, float]:
    r"""Return the scores in a line of XGBoost's, "[3]\ttrain-auc:0.9\tvalidation-auc:0.8", by AWS's names."""
    named = (part.rpartition(":") for part in text.split("\t")[1:])
    return {name.replace("-", ":", 1): float(value) for name, _, value in named}


def note_best(booster: xgboost.Booster, number: int, name: str, score: float) -> None:
    """Keep the best round and its score with the booster, and so with its checkpoints."""
    best = booster.attr("best_score")
    sign = -1 if re.split("[@-]", name.rpartition(":")[2])[0] in MAXIMISED else 1
    if best is None or sign * score < sign * float(best):
        booster.set_attr(best_score=repr(score), best_iteration=str(number))


def exhausted(booster: xgboost.Booster, patience: int | None) -> bool:
    """Return whether so many rounds have gone by since the best one."""
    if not patience or booster.attr("best_iteration") is None:
        return False
    return booster.num_boosted_rounds() - 1 - booster.best_iteration >= patience


def refusal(error: Exception) -> str:
    """Return the sentence of XGBoost's error, without its place in the sources and its stack."""
    return str(error).partition("\nStack trace")[0].rpartition("Check failed: ")[2].strip()
