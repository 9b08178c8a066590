"""TorchServe's handler: CSV in, CSV out, with as little between them as can be."""

import pytorch_model
import torch

model = pytorch_model.load()


def handle(data, context):
    """Answer the one request of each batch."""
    if data is None:  # TorchServe's first call, to load the model
        return None
    rows = [[float(field) for field in line.split(",")] for line in data[0]["body"].decode().splitlines()]
    with torch.no_grad():
        predictions = model(torch.tensor(rows))
    context.set_response_content_type(0, "text/csv")
    return ["".join(f"{value}\n" for value in predictions.tolist())]
