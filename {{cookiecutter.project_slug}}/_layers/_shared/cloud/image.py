"""The image in Amazon ECR: what it is, and what it declares."""

import json
import re
from functools import cached_property
from typing import Any
from urllib.request import urlopen

from .errors import CloudError

SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"  # the only one that SageMaker accepts (E5)
SECONDS = 30
URI = re.compile(r"(?P<registry>\d{12})\.dkr[.-]ecr\.[^/]+/(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>.+))?")


class Image:
    """An image by its URI, with a tag or a digest. Raises CloudError for one that is not in ECR, as SageMaker would."""

    def __init__(self, ecr: Any, uri: str):
        found = URI.fullmatch(uri)
        if not found:
            raise CloudError(f"{uri} is not an image in Amazon ECR, where SageMaker looks for it: use cloud-push")
        self.ecr, self.uri, self.repository = ecr, uri, found["repository"]
        self._repository = {"registryId": found["registry"], "repositoryName": found["repository"]}
        self._id = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"] or "latest"}

    @cached_property
    def details(self) -> dict[str, Any]:
        """What ECR says of it: digest, media type, size. Raises ClientError where there is none."""
        return self.ecr.describe_images(**self._repository, imageIds=[self._id])["imageDetails"][0]

    @property
    def pinned(self) -> str:
        """The URI with the digest, which cannot be moved as a tag can."""
        return f"{re.split(':|@', self.uri)[0]}@{self.details['imageDigest']}"

    @cached_property
    def config(self) -> dict[str, Any]:
        """The image's own configuration: platform and labels; nothing for a format that SageMaker refuses (E5).

        Raises ClientError or OSError if it cannot be read.
        """
        wanted = {"imageIds": [self._id], "acceptedMediaTypes": [SCHEMA_2]}
        found = self.ecr.batch_get_image(**self._repository, **wanted)["images"]
        if not found:
            return {}
        digest = json.loads(found[0]["imageManifest"])["config"]["digest"]
        url = self.ecr.get_download_url_for_layer(**self._repository, layerDigest=digest)["downloadUrl"]
        with urlopen(url, timeout=SECONDS) as answer:
            return json.load(answer)

    def label(self, name: str) -> str | None:
        """Return a label; None if it has none of that name."""
        return (self.config.get("config", {}).get("Labels") or {}).get(name)
