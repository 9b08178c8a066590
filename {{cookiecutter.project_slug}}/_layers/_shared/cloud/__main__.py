"""python -m cloud ACTION: this algorithm on SageMaker; the cloud-… targets of the Makefile call it."""

import argparse
import inspect
import subprocess
import sys
from pathlib import Path

from . import settings
from .actions import ACTIONS
from .aws import Aws, use_local
from .errors import CloudError, in_words
from .session import Cloud

PROJECT = Path(__file__).resolve().parents[1]
WITHOUT_REQUESTS = ("check", "invoke", "status", "logs", "delete", "policy")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(prog="python -m cloud", description=__doc__)
    found.add_argument("action", choices=ACTIONS)
    found.add_argument("--project", default=PROJECT.name, help="the image's and repository's name (%(default)s)")
    found.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="replaces a setting")
    found.add_argument("--dry-run", action="store_true", help="print the requests, and send none")
    found.add_argument("--local", action="store_true", help="use `make local-sagemaker`")
    found.add_argument("--yes", action="store_true", help="answer every question with yes")
    found.add_argument("--detach", action="store_true", help="do not wait until it has ended")
    found.add_argument("--name", default="", help="a training job; logs: or the endpoint; policy: an action")
    found.add_argument("--resume", default="", metavar="JOB", help="train: take up the checkpoints of a job")
    found.add_argument("--gpu", action="store_true", help="push: for NVIDIA GPUs")
    found.add_argument("--on-codebuild", action="store_true", help="push: build in AWS CodeBuild, from the commit")
    found.add_argument("--output", default="", help="invoke: a file for the answer; transform: a folder")
    found.add_argument("--data-too", action="store_true", help="delete: what is in S3 and ECR, too")
    found.add_argument("--file", default="", help="invoke: what to send; default: the sample's first request")
    found.add_argument("--content-type", default="", help="invoke: the type of the file; default: by its name's ending")
    found.add_argument("--accept", default="", help="invoke: the type of the answer")
    return found


def commit_of(project: Path) -> str:
    """Return the tag that build_and_push.sh gives the image: the git commit; "none" without one."""
    command = ["git", "-C", str(project), "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return "none"
    return found or "none"


def main(arguments: list[str] | None = None) -> None:
    """Run the action of the command line. Raises CloudError where it fails."""
    options = parser().parse_args(arguments)
    action = ACTIONS[options.action]
    if options.dry_run and options.action in WITHOUT_REQUESTS:
        raise CloudError(f"{options.action} sends no request that a dry run could show")
    wanted = set(inspect.signature(action).parameters) & vars(options).keys()
    with in_words():
        if options.local:
            use_local()
        found = settings.load(PROJECT, options.set)
        aws = Aws(found.aws, options.project, commit_of(PROJECT), dry_run=options.dry_run, here=options.local)
        cloud = Cloud(PROJECT, found, aws, options.yes, options.detach)
        action(cloud, **{name: getattr(options, name) for name in wanted})


if __name__ == "__main__":
    try:
        main()
    except CloudError as error:
        sys.exit(f"cloud: {error}")
    except KeyboardInterrupt:
        sys.exit("\ncloud: it goes on; `make cloud-logs` follows it again")
