"""What staff's and residents' pages are written with: templates, and static files by the hash of their content."""

import gzip
import hashlib
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from hotline.text.bidi import isolate_text

StaticFiles = Mapping[str, tuple[bytes, bytes, str]]  # by name: bytes, compressed bytes, media type


def _isolate_value(value: Any) -> Any:
    """A value for a template, isolated by direction: text that people wrote must not reverse what is beside it."""
    return isolate_text(value) if type(value) is str else value  # not what is markup already


def page_environment(package: str) -> Environment:
    """The templates of a package. All that stands in them is escaped, and what is not given is an error."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=_isolate_value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def pack_files(found: Mapping[str, tuple[bytes, str]]) -> StaticFiles:
    """Files by name, with their media types, as they are sent."""
    return {name: (data, gzip.compress(data, 9, mtime=0), kind) for name, (data, kind) in found.items()}


def version_of(files: StaticFiles) -> str:
    """A hash of all static files, part of their address: browsers may cache them for ever."""
    digest = hashlib.sha256()
    for name, (data, _, _) in sorted(files.items()):
        digest.update(name.encode() + b"\0" + data)
    return digest.hexdigest()[:16]


def static_reply(request: Request, files: StaticFiles, version: str) -> Response:
    """The file that the path names; 404 where it, or its version, is not there."""
    found = files.get(request.path_params["name"])
    if found is None or request.path_params["stamp"] != version:
        return Response(status_code=404)
    data, packed, kind = found
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"], data = "gzip", packed
    return Response(data, headers=headers, media_type=kind)
