"""Train with SageMaker SDK v3's local mode, as a user would. Runs in the SDK's own virtual environment.

Prints as its last line where the model is. Usage: v3.py IMAGE PROJECT FOLDER
"""

import sys
import tomllib
from pathlib import Path

from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData
from sagemaker.train.model_trainer import Mode

image, project, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
sample = tomllib.loads((project / "sample/sample.toml").read_text())["training"]

trainer = ModelTrainer(
    training_image=image,
    training_mode=Mode.LOCAL_CONTAINER,
    local_container_root=str(folder),
    base_job_name="local",
    role="arn:aws:iam::000000000000:role/unused",
    compute=Compute(instance_type="local_cpu", instance_count=1),
    hyperparameters=sample["hyperparameters"],
)
trainer.train(
    [
        InputData(
            channel_name=name,
            data_source=str(project / "sample" / name),
            content_type=content_type,
        )
        for name, content_type in sample["channels"].items()
    ]
)
print(folder / "compressed_artifacts" / "model.tar.gz")
