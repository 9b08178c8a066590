"""The errors of AWS and of the way there, each in a sentence with advice."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    TokenRetrievalError,
)

from local_test.errors import SetupError

from .iam import allowing


class CloudError(Exception):
    """Something is wrong; the text says what, and what to do."""


# AWS's codes, and what to do about them.
ADVICE = {
    "ExpiredToken": "your AWS credentials have expired; log in again: aws sso login",
    "ExpiredTokenException": "your AWS credentials have expired; log in again: aws sso login",
    "UnrecognizedClientException": "AWS does not know your credentials; log in again, or look at AWS_ACCESS_KEY_ID",
    "InvalidClientTokenId": "AWS does not know your credentials; log in again, or look at AWS_ACCESS_KEY_ID",
    "ResourceLimitExceeded": "your account's quota for this is used up; ask for more under Service Quotas, or take "
    "another instance_type in sagemaker.toml",
}
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")
# AWS's words for an image whose manifest SageMaker cannot read.
MANIFEST = "manifest"


def denied(operation: str) -> str:
    """Return what to do where a call is not permitted: the policy that permits it."""
    actions = allowing(operation)
    if not actions:
        return "your credentials do not permit this; ask whoever gives you permissions for it"
    return (
        f"your credentials do not permit this; cloud/iam/{actions[0]}.json does: show whoever gives you permissions "
        f"what `make cloud-policy NAME={actions[0]}` prints"
    )


def sentence(error: Exception) -> str:
    """Return what an error of AWS's client means, and what to do about it."""
    if isinstance(error, NoCredentialsError):
        return "there are no AWS credentials; log in (aws configure, aws sso login), or try it here: LOCAL=1"
    if isinstance(error, NoRegionError):
        return "there is no AWS region; set region under [aws] in sagemaker.toml"
    if isinstance(error, ProfileNotFound | TokenRetrievalError):
        return f"{error}; look at profile under [aws] in sagemaker.toml, or at AWS_PROFILE"
    if isinstance(error, EndpointConnectionError):
        return f"{error}; is there a network? With LOCAL=1: start `make local-sagemaker` in another terminal first"
    if isinstance(error, ClientError):
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        advice = ADVICE.get(code)
        if code in DENIED:
            advice = denied(error.operation_name)
        elif code == "ValidationException" and MANIFEST in message.lower():
            advice = "SageMaker accepts only Docker's schema 2 (E5): push the image with make cloud-push"
        return f"{error.operation_name}: {message}" + (f" ({code}): {advice}" if advice else f" ({code})")
    return str(error)


@contextmanager
def in_words() -> Iterator[None]:
    """Raise CloudError instead of the errors of AWS's client, of the sample and of files."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise CloudError(sentence(error)) from error
    except (SetupError, OSError) as error:
        raise CloudError(str(error)) from error
