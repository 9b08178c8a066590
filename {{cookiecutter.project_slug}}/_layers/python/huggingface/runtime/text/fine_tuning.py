"""Training a classifier of texts, on one host or several, until it no longer gets better."""

import copy
from dataclasses import asdict

import numpy as np
import torch
from pydantic import BaseModel, Field
from torch.nn.functional import cross_entropy

from runtime.distributed import consensus, distribution
from runtime.text.classifier import Classifier
from runtime.text.texts import Texts
from runtime.training.early_stopping import EarlyStopping
from runtime.training.job import Job


class Hyperparameters(BaseModel):
    """What `base_classifier` and `fine_tune` need; algorithm.py may add its own."""

    epochs: int = Field(10, ge=1, description="passes over the data, at most")
    patience: int = Field(3, ge=1, description="epochs without a lower validation loss after which training ends")
    batch_size: int = Field(32, ge=1, description="texts in a mini-batch, over all hosts")
    learning_rate: float = Field(5e-5, gt=0, le=1, description="step size of AdamW; from nothing about 100 times that")
    max_length: int = Field(128, ge=8, description="tokens to which texts are cut, or fewer where the model says so")
    seed: int = Field(0, ge=0, description="seed of first weights, of dropout and of the order of the texts")
    hidden: int = Field(32, ge=4, le=1024, multiple_of=4, description="width of a network that begins with nothing")
    words: int = Field(5000, ge=0, description="words that such a network knows; others it spells")


def fine_tune(
    classifier: Classifier, data: Texts, validation: Texts, hyperparameters: Hyperparameters, job: Job
) -> Classifier:
    """Fit the classifier to `data`; the result has the weights that were best on `validation`.

    Reported are train:loss (mean cross entropy), validation:loss, validation:accuracy and validation:f1 (the mean over
    the labels). Each epoch leaves a checkpoint. Of one that SageMaker stops nothing is kept but, if it was the first,
    the weights. Raises UserError for labels of `validation` that the classifier has not.
    """
    classifier.to(distribution.device())
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=hyperparameters.learning_rate)
    progress = EarlyStopping(hyperparameters.patience)
    labels, expected = (one.numbers(classifier.labels) for one in (data, validation))
    best = None

    if checkpoint := job.checkpoints.latest():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        classifier.load_state_dict(state["classifier"])
        optimizer.load_state_dict(state["optimizer"])
        progress, best = EarlyStopping(**state["progress"]), state["best"]
    consensus.require_same("number of epochs in their checkpoints", progress.epoch)

    parallel = distribution.parallel(classifier)
    while progress.epoch < hyperparameters.epochs and not progress.exhausted:
        train_loss = fit_epoch(parallel, optimizer, data, labels, progress.epoch, hyperparameters, job)
        if train_loss is None:
            break
        scores = evaluate(classifier, validation, expected, hyperparameters.batch_size)
        if progress.improved(scores["validation:loss"]):
            best = copy.deepcopy(classifier.state_dict())
        job.report({"epoch": progress.epoch, "train:loss": train_loss} | scores)
        if job.is_first:
            state = {"classifier": classifier.state_dict(), "optimizer": optimizer.state_dict()}
            with job.checkpoints.write(progress.epoch, ".pt") as path:
                torch.save(state | {"best": best, "progress": asdict(progress)}, path)

    if best is not None:
        classifier.load_state_dict(best)
    return classifier


def fit_epoch(
    classifier: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Texts,
    labels: np.ndarray,
    epoch: int,
    hyperparameters: Hyperparameters,
    job: Job,
) -> float | None:
    """Go through the data once, in mini-batches; the mean loss meanwhile, or None where SageMaker stops a host."""
    # Of the epoch's number, so that a resumed training draws the same; of the rank, so that processes do not.
    seed = [hyperparameters.seed, epoch, distribution.rank()]
    torch.manual_seed(int(np.random.default_rng(seed).integers(2**31)))
    classifier.train()
    total, processes = 0.0, distribution.size()
    for mine, count in data.share.batches(hyperparameters.batch_size, hyperparameters.seed, epoch):
        if consensus.anyone(bool(job.stopping)):
            return None
        rows = mine if len(mine) else np.zeros(1, int)  # no network can compute on nothing: a text that does not count
        losses = cross_entropy(*logits_and_labels(classifier, data, labels, rows), reduction="none")
        loss = losses[: len(mine)].sum()
        optimizer.zero_grad()
        # `loss` is that of this process's part of the batch, and the gradients of all processes are averaged.
        (loss * processes / count).backward()
        optimizer.step()
        total += loss.item()
    return distribution.total([total])[0] / data.share.total


def evaluate(classifier: Classifier, data: Texts, labels: np.ndarray, batch_size: int) -> dict[str, float]:
    """Return the metrics of the classifier on the data."""
    classifier.eval()
    size = len(classifier.labels)
    total, confusion = 0.0, np.zeros((size, size))  # of true and predicted labels
    mine = np.arange(len(labels))[data.share.mine]
    with torch.inference_mode():
        for start in range(0, len(mine), batch_size):
            rows = mine[start : start + batch_size]
            logits, expected = logits_and_labels(classifier, data, labels, rows)
            total += cross_entropy(logits, expected, reduction="sum").item()
            np.add.at(confusion, (labels[rows], logits.argmax(dim=1).cpu().numpy()), 1)
    total, *counts = distribution.total([total, *confusion.ravel()])
    confusion = np.reshape(counts, (size, size))
    right, found = confusion.diagonal(), confusion.sum(axis=0) + confusion.sum(axis=1)
    return {
        "validation:loss": total / data.share.total,
        "validation:accuracy": right.sum() / data.share.total,
        "validation:f1": (2 * right[found > 0] / found[found > 0]).mean(),
    }


def logits_and_labels(
    classifier: torch.nn.Module, data: Texts, labels: np.ndarray, rows: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the classifier says to some of the texts, and what it should."""
    logits = classifier([data.texts[row] for row in rows])
    return logits, torch.from_numpy(labels[rows]).to(logits.device)
