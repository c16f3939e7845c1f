"""OpenAI's files: uploads read, file objects and lists written."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from ...batches.files import StoredFile
from ...exchange.bad_field import BadField
from ...exchange.received import Received
from ...exchange.request import Problem
from ..multipart import read_form
from ..pages import Page, limit_of, page_after

_PURPOSES = ("assistants", "batch", "evals", "fine-tune", "user_data", "vision")
_LONGEST_FILENAME = 255


class Upload(NamedTuple):
    """A file and its purpose, as uploaded."""

    filename: str
    purpose: str
    content: bytes


def read_upload(received: Received) -> Upload:
    """Read an upload form; raises BadField."""
    form = read_form(received.header(b"content-type"), received.body)
    for name in ("file", "purpose"):
        if name not in form:
            raise BadField((name,), "missing")
    filename = form["file"].filename
    if filename is None:
        raise BadField(("file",), "unsupported", "expected a file with a name.")
    purpose = form["purpose"].content.decode("utf-8", "replace")
    if purpose not in _PURPOSES:
        raise BadField(("purpose",), "choice", ", ".join(f"'{each}'" for each in _PURPOSES), purpose)
    return Upload(filename[:_LONGEST_FILENAME], purpose, form["file"].content)


def page_of_files(files: Sequence[StoredFile], received: Received) -> Page[StoredFile]:
    """The page of `files` that the query asks for, newest first by default; raises BadField."""
    query = received.query
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise BadField(("order",), "choice", "'asc', 'desc'", order)
    purpose = query.get("purpose")
    wanted = [file for file in files if purpose in (None, file.purpose)]
    if order == "desc":
        wanted.reverse()
    limit = limit_of(query, 10_000, 10_000)
    return page_after(wanted, lambda file: file.id, query.get("after"), limit)


def file_body(file: StoredFile) -> bytes:
    """The JSON of a file object."""
    return orjson.dumps(_file_object(file))


def files_body(page: Page[StoredFile]) -> bytes:
    """The JSON of a list of files."""
    return list_body([_file_object(file) for file in page.items], has_more=page.has_more)


def deleted_body(file_id: str) -> bytes:
    """The JSON that confirms a deletion."""
    return orjson.dumps({"id": file_id, "object": "file", "deleted": True})


def list_body(items: Sequence[dict[str, Any]], *, has_more: bool) -> bytes:
    """The JSON of one page of a list."""
    return orjson.dumps(
        {
            "object": "list",
            "data": items,
            "first_id": items[0]["id"] if items else None,
            "last_id": items[-1]["id"] if items else None,
            "has_more": has_more,
        }
    )


def no_such_file(file_id: str) -> Problem:
    """No file has this id."""
    return Problem(404, "invalid_request_error", f"No such File object: {file_id}", param="id")


def storage_full() -> Problem:
    """The provider's file storage is full."""
    message = "You have exceeded your file storage quota."
    return Problem(400, "invalid_request_error", message, "storage_limit_exceeded")


def _file_object(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": len(file.content),
        "created_at": int(file.wall_s),
        "expires_at": None,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }
