"""IAM policies: what each action needs, and no more."""

from string import Template

from ..errors import CloudError
from ..iam import FOLDER
from ..session import Cloud


def policy(cloud: Cloud, name: str = "") -> None:
    """Print the policy of an action for this project's account, region, bucket and repository."""
    file = FOLDER / f"{name}.json"
    if not file.exists():
        known = ", ".join(sorted(one.stem for one in FOLDER.glob("*.json")))
        raise CloudError(f"say which action the policy is for: NAME= one of {known}")
    aws = cloud.aws
    partition, account = aws.identity
    values = {
        "PARTITION": partition,
        "ACCOUNT": account,
        "REGION": aws.region,
        "BUCKET": aws.bucket,
        "PREFIX": aws.root.partition(f"{aws.bucket}/")[2],
        "PROJECT": aws.project,
        "NAMED": aws.named_after,
        "ROLE": aws.role,
        "BUILD_ROLE": aws.role_arn(aws.account.build_role or "BUILD_ROLE"),
    }
    print(Template(file.read_text()).substitute(values), end="")
