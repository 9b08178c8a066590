"""The training of the TensorFlow example as a script of its own: the same loop, network and data, without the runtime.

Usage: python bare_tensorflow.py FOLDER EPOCHS. The folder has the channels; model and checkpoint are written beside
them.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

BATCH_SIZE, LEARNING_RATE, HIDDEN, SEED, CHECKPOINT_EVERY = 64, 0.01, 32, 0, 5
folder, epochs = Path(sys.argv[1]), int(sys.argv[2])


def read(channel):
    """Read a channel: features and target, the target comes first in the file."""
    table = np.loadtxt(folder / channel / "demand.csv", delimiter=",")
    return table[:, 1:], table[:, 0]


keras.utils.set_random_seed(SEED)
features, target = read("train")
validation_features, validation_target = read("validation")
model = keras.Sequential(
    [
        keras.Input((features.shape[1],)),
        keras.layers.Normalization(mean=features.mean(axis=0), variance=features.var(axis=0)),
        keras.layers.Dense(HIDDEN, activation="relu"),
        keras.layers.Dense(HIDDEN, activation="relu"),
        keras.layers.Dense(1),
        keras.layers.Rescaling(float(target.std()), offset=float(target.mean())),
    ]
)
optimizer = keras.optimizers.Adam(LEARNING_RATE)
optimizer.build(model.trainable_variables)
features, target, validation_features, validation_target = (
    array.astype(np.float32) for array in (features, target, validation_features, validation_target)
)


@tf.function(reduce_retracing=True)
def evaluate(x, y):
    """Return the mean squared error."""
    return tf.reduce_mean(tf.square(model(x)[:, 0] - y))


@tf.function(reduce_retracing=True)
def fit(x, y):
    """Train on a batch; its mean squared error."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x)[:, 0] - y))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return loss


best, best_loss = model.get_weights(), float("inf")
for epoch in range(epochs):
    total = 0.0
    order = np.random.default_rng([SEED, epoch]).permutation(len(target))
    for start in range(0, len(order), BATCH_SIZE):
        rows = order[start : start + BATCH_SIZE]
        total += float(fit(tf.constant(features[rows]), tf.constant(target[rows]))) * len(rows)
    validation_loss = float(evaluate(tf.constant(validation_features), tf.constant(validation_target)))
    if validation_loss < best_loss:
        best, best_loss = model.get_weights(), validation_loss
    print(f"epoch={epoch + 1} train:mse={total / len(target)} validation:mse={validation_loss}", flush=True)
    if (epoch + 1) % CHECKPOINT_EVERY == 0:
        arrays = [*model.get_weights(), *(variable.numpy() for variable in optimizer.variables), *best]
        np.savez(folder / "checkpoint.npz", np.array([epoch + 1, best_loss]), *arrays)

model.set_weights(best)
model.save(folder / "model.keras")
