"""Requests in LIBSVM, beside the usual media types."""

from typing import Any

from runtime.data import libsvm
from runtime.data.content import MEDIA_TYPES
from runtime.serving.defaults import default_input_fn

CONTENT_TYPES = (*MEDIA_TYPES, *libsvm.MEDIA_TYPES)


def input_fn(body: bytes, content_type: str, charset: str = "utf-8") -> Any:
    """Read a request: LIBSVM as a sparse matrix, any other type as `default_input_fn` does.

    Raises InputError for a body that cannot be read.
    """
    if content_type in libsvm.MEDIA_TYPES:
        return libsvm.decode(body, charset)
    return default_input_fn(body, content_type, charset)
