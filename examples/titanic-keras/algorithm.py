"""Who survives a shipwreck: a network of 8, 4 and 1 units over columns of numbers and categories, with gaps in them."""

import keras
import numpy as np
import tensorflow as tf
from pydantic import BaseModel, Field

from runtime.api import Columns, Share, consensus, distribution

TARGET = "Survived"

# The columns that the network reads, by name: the file has more, such as Name and Ticket, which are ignored.
FEATURES = {"Pclass": str, "Sex": str, "Age": float, "SibSp": float, "Parch": float, "Fare": float, "Embarked": str}


class Hyperparameters(BaseModel):
    """What a job can set."""

    epochs: int = Field(40, ge=1, description="passes over the passengers")
    batch_size: int = Field(32, ge=1, description="passengers in a mini-batch, over all hosts")
    learning_rate: float = Field(0.01, gt=0, description="step size of Adam")


def train(channels, hyperparameters, job):
    """Fit the network to the `train` channel: CSV with a header, as the Titanic's passengers usually come."""
    channel = channels["train"]
    passengers, target = channel.matrix(FEATURES), channel.column(TARGET).astype(np.float32)[:, None]
    share = Share(len(passengers), sharded=channel.sharded)
    columns = Columns.learn(FEATURES, passengers, share)
    inputs = columns.matrix(passengers)

    keras.utils.set_random_seed(0)
    with distribution.strategy().scope():
        hidden = [keras.layers.Dense(units, activation="relu") for units in (8, 4)]
        output = keras.layers.Dense(1, activation="sigmoid")
        network = keras.Sequential([keras.Input((columns.width,)), *hidden, output])
        optimizer = keras.optimizers.Adam(hyperparameters.learning_rate)
        optimizer.build(network.trainable_variables)

    def fit(inputs, target, count):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(keras.losses.binary_crossentropy(target, network(inputs)))
            loss = total / count
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        return total

    step = distribution.compiled(fit)
    for epoch in range(hyperparameters.epochs):
        batches = share.batches(hyperparameters.batch_size, 0, epoch)
        losses = [float(step(inputs[rows], target[rows], count)) for rows, count in batches]
        job.report({"epoch": epoch + 1, "train:loss": sum(losses) / share.total})
        if consensus.anyone(bool(job.stopping)):
            break
    return network, columns


def predict(model, passengers):
    """Return the probability that each passenger survives; `model` is what `train` returned."""
    network, columns = model
    return network(tf.constant(columns.matrix(passengers))).numpy()[:, 0]
