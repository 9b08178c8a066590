"""Batch transform."""

from pathlib import Path

from .. import cost, data, follow, requests
from ..errors import CloudError
from ..session import Cloud
from .hosting import provide_model

SHOWN = 2000  # characters of a transform's answers


def records(cloud: Cloud) -> str:
    """Return the S3 URI of what is to be transformed: the settings' data, or the sample's records, uploaded.

    Raises CloudError where there are none.
    """
    batch = cloud.settings.batch
    if batch.data:
        return data.uri_of(cloud.aws, cloud.project, batch.data)
    line = cloud.sample.line_request()
    if line and line.content_type == batch.content_type:
        return data.uri_of_bytes(cloud.aws, "sample", line.body)
    raise CloudError("set data under [batch] in sagemaker.toml: an S3 URI, or a folder of the project")


def transform(cloud: Cloud, name: str = "", output: str = "") -> None:
    """Transform data with a training job's model, the last one's by default; fetch the answers into a folder if asked.

    Without a folder the first of a short answer are shown.
    """
    aws, batch = cloud.aws, cloud.settings.batch
    job, uri, own = cloud.trained(name), records(cloud), cloud.new_name()
    if not aws.dry_run:
        size = (batch.instance_type, batch.instance_count)
        price = cost.words(aws, *size, "BatchTransform", hours=1, time="an hour")
        print(f"{own} transforms {uri} on {batch.instance_count} x {batch.instance_type}: {price}")
    cloud.sure("Transform?")
    model = provide_model(cloud, job)
    request = requests.transform(cloud.settings, aws.place, own, model, uri)
    aws.call("CreateTransformJob", request)
    if aws.dry_run or cloud.detach:
        return
    key = {"TransformJobName": own}
    ended = follow.until_ended(aws, "TransformJob", own, lambda: aws.api.describe_transform_job(**key))
    if ended["TransformJobStatus"] != "Completed":
        raise CloudError(f"{own}: {ended.get('FailureReason', ended['TransformJobStatus'])}")
    place = request["TransformOutput"]["S3OutputPath"]
    bucket, prefix = data.split(place)
    for one in data.objects(aws, place):
        print(f"s3://{bucket}/{one['Key']}")
        if output:
            file = Path(output) / one["Key"].removeprefix(prefix).lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            aws.s3.download_file(bucket, one["Key"], str(file))
            print(f"  in {file}")
        elif one["Size"] < SHOWN:
            print(aws.s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode("utf-8", "backslashreplace"))
