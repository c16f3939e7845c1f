"""Anthropic's files: uploads read, file objects and lists written.

Source: platform.claude.com/docs/en/build-with-claude/files, the SDK's `FileMetadata`.
"""

import mimetypes
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from ...batches.files import StoredFile
from ...exchange.bad_field import BadField
from ...exchange.received import Received
from ...exchange.request import Problem
from ..multipart import read_form
from ..pages import Page, limit_of, page_after
from .dialect import rfc3339

_UNNAMED = "unnamed"
_OCTET_STREAM = "application/octet-stream"


class Upload(NamedTuple):
    """A file as uploaded."""

    filename: str
    content: bytes


def read_upload(received: Received) -> Upload:
    """Read an upload form; raises BadField."""
    form = read_form(received.header(b"content-type"), received.body)
    if "file" not in form:
        raise BadField(("file",), "missing")
    name = (form["file"].filename or _UNNAMED).replace("\\", "/").rpartition("/")[2]
    return Upload(name[:255] or _UNNAMED, form["file"].content)


def page_of_files(files: Sequence[StoredFile], received: Received) -> Page[StoredFile]:
    """The page that the query asks for, newest first: by `limit` and `page` or `after_id`; raises
    BadField.
    """
    query = received.query
    after = query.get("page", "").removeprefix("page_") or query.get("after_id")
    return page_after(list(reversed(files)), lambda file: file.id, after, limit_of(query, 20, 1000))


def file_body(file: StoredFile) -> bytes:
    """The JSON of a file object."""
    return orjson.dumps(_file_object(file))


def files_body(page: Page[StoredFile]) -> bytes:
    """The JSON of one page of files, for SDKs of both generations (`next_page`, `has_more`)."""
    items = [_file_object(file) for file in page.items]
    last = items[-1]["id"] if items else None
    return orjson.dumps(
        {
            "data": items,
            "has_more": page.has_more,
            "first_id": items[0]["id"] if items else None,
            "last_id": last,
            "next_page": f"page_{last}" if page.has_more else None,
        }
    )


def deleted_body(file_id: str) -> bytes:
    """The JSON that confirms a deletion."""
    return orjson.dumps({"id": file_id, "type": "file_deleted"})


def no_such_file(file_id: str) -> Problem:
    """No file has this id."""
    return Problem(404, "not_found_error", f"File not found: {file_id}")


def not_downloadable(file_id: str) -> Problem:
    """Only files that a tool made can be downloaded: those uploaded cannot."""
    message = f"File {file_id} is not downloadable."
    return Problem(400, "invalid_request_error", message, details={"error_code": "file_not_downloadable"})


def storage_full() -> Problem:
    """The provider's file storage is full."""
    message = "The organization's file storage quota is exceeded."
    return Problem(403, "permission_error", message, details={"error_code": "storage_quota_exceeded"})


def _file_object(file: StoredFile) -> dict[str, Any]:
    return {
        "type": "file",
        "id": file.id,
        "filename": file.filename,
        "mime_type": mimetypes.guess_type(file.filename)[0] or _OCTET_STREAM,
        "size_bytes": len(file.content),
        "created_at": rfc3339(file.wall_s),
        "downloadable": False,
    }
