"""Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, network, train and predict.

The example learns a curve with bends in it: the electricity demand of a town against the temperature. It trains on
one host or on several, with the same result. Its hyperparameters and the reading of its data are in demand.py. Replace
both with your own; `make local-test` then shows whether SageMaker will take it.
"""

from dataclasses import asdict

import keras
import numpy as np
import tensorflow as tf

from demand import Hyperparameters, read
from runtime.api import EarlyStopping, InputError, consensus, distribution

CHECKPOINT_EVERY = 5  # epochs


def network(features, hidden, mean, scale):
    """Return the network: it takes features as they come, (rows, features), and gives predictions, (rows, 1).

    `mean` and `scale` standardise the features and, the last of them, the target: arrays of shape (features + 1,).
    """
    return keras.Sequential(
        [
            keras.Input((features,)),
            keras.layers.Normalization(mean=mean[:-1], variance=scale[:-1] ** 2),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(1),
            keras.layers.Rescaling(float(scale[-1]), offset=float(mean[-1])),
        ]
    )


def train(channels, hyperparameters: Hyperparameters, job):
    """Fit the network to the `train` channel until it no longer gets better on `validation`.

    Both are CSV without header, the target in the first column. The network that is returned is saved for `predict`.
    On several hosts every one goes through this with its share of the rows, and the first saves the network.
    """
    keras.utils.set_random_seed(hyperparameters.seed)
    data, validation = read(channels["train"]), read(channels["validation"])
    with distribution.strategy().scope():
        model = network(data.features.shape[1], hyperparameters.hidden, *data.moments)
        optimizer = keras.optimizers.Adam(hyperparameters.learning_rate)
        optimizer.build(model.trainable_variables)
    progress = EarlyStopping(hyperparameters.patience)
    best = values(model.weights)

    if checkpoint := job.checkpoints.latest():
        progress, best = restore(checkpoint, model, optimizer)
    consensus.require_same("number of epochs in their checkpoints", progress.epoch)

    fit, evaluate = steps(model, optimizer)
    stopping = False
    while progress.epoch < hyperparameters.epochs and not progress.exhausted and not stopping:
        train_loss = sum(
            float(fit(data.features[rows], data.target[rows], count))
            for rows, count in data.share.batches(hyperparameters.batch_size, hyperparameters.seed, progress.epoch)
        )
        mine = validation.share.mine
        validation_loss = float(evaluate(validation.features[mine], validation.target[mine])) / validation.share.total
        if progress.improved(validation_loss):
            best = values(model.weights)
        job.report(
            {"epoch": progress.epoch, "train:mse": train_loss / data.share.total, "validation:mse": validation_loss}
        )

        stopping = consensus.anyone(bool(job.stopping))
        if job.is_first and (stopping or progress.epoch % CHECKPOINT_EVERY == 0):
            with job.checkpoints.write(progress.epoch, ".npz") as path:
                store(path, model, optimizer, progress, best)

    assign(model.weights, best)
    return model


def predict(model, features):
    """Predict one number for each row of `features`, an array of shape (rows, features), in one forward pass.

    `model` is the network that `train` returned, or while serving a function that was compiled from it. An InputError
    becomes an answer with status 400 that shows its message; any other exception one with 500.
    """
    expected = model.inputs[0].shape[1]
    if features.shape[1] != expected:
        raise InputError(f"expected features of shape (rows, {expected}), got {features.shape}")
    return model(tf.constant(features, tf.float32)).numpy()[:, 0]


def steps(model, optimizer):
    """Return the steps that train and evaluate on a batch; each gives the sum of squared errors over all hosts."""

    def errors(features, target):
        return tf.reduce_sum(tf.square(model(features)[:, 0] - target))

    def fit(features, target, count):
        with tf.GradientTape() as tape:
            total = errors(features, target)
            # The mean over the batch, of which this replica has only a part: the replicas' gradients are summed.
            loss = total / count
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return total

    return distribution.compiled(fit), distribution.compiled(errors)


def store(path, model, optimizer, progress, best):
    """Write a checkpoint: all that it takes to go on as if nothing had happened."""
    arrays = {"model": values(model.weights), "optimizer": values(optimizer.variables), "best": best}
    named = {f"{name} {index}": array for name, some in arrays.items() for index, array in enumerate(some)}
    with path.open("wb") as file:
        np.savez(file, **asdict(progress), **named)


def restore(path, model, optimizer):
    """Read a checkpoint into the model and its optimizer; how far the training was, and the best weights till then."""
    with np.load(path, allow_pickle=False) as state:
        assign(model.weights, [state[f"model {index}"] for index in range(len(model.weights))])
        assign(optimizer.variables, [state[f"optimizer {index}"] for index in range(len(optimizer.variables))])
        best = [state[f"best {index}"] for index in range(len(model.weights))]
        return EarlyStopping(**{name: state[name].item() for name in asdict(EarlyStopping(0))}), best


def values(variables):
    """Return the variables' values, as arrays."""
    return [variable.numpy() for variable in variables]


def assign(variables, arrays):
    """Set the variables to the values of arrays."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
