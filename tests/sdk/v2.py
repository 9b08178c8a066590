"""Fit, deploy, predict and delete with SageMaker SDK v2's local mode, as a user would.

Runs in the SDK's own virtual environment, without credentials: that needs every place to be a file:// one, and a
region. Writes what the endpoint answered to the sample's requests to FOLDER/answers.json, in their order.
Usage: v2.py IMAGE PROJECT FOLDER PORT
"""

import json
import sys
import tomllib
from pathlib import Path

from sagemaker.deserializers import StringDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.local import LocalSession
from sagemaker.serializers import IdentitySerializer

image, project, folder, port = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
sample = tomllib.loads((project / "sample/sample.toml").read_text())

session = LocalSession()
session.config = {"local": {"serving_port": port, "container_root": str(folder)}}
estimator = Estimator(
    image_uri=image,
    role="arn:aws:iam::000000000000:role/unused",
    instance_count=1,
    instance_type="local",
    output_path=(folder / "output").as_uri(),
    hyperparameters=sample["training"]["hyperparameters"],
    sagemaker_session=session,
)
estimator.fit(
    {
        name: TrainingInput((project / "sample" / name).as_uri(), content_type=content_type)
        for name, content_type in sample["training"]["channels"].items()
    }
)
# In local mode the endpoint answers when deploy() has created it; wait=True would sleep for 30 more seconds.
predictor = estimator.deploy(initial_instance_count=1, instance_type="local", wait=False)
try:
    answers = []
    for request in sample["requests"]:
        predictor.serializer = IdentitySerializer(request["content_type"])
        predictor.deserializer = StringDeserializer(accept=request["accept"])
        answers.append(predictor.predict(request["body"]))
    (folder / "answers.json").write_text(json.dumps(answers))
finally:
    predictor.delete_endpoint()
