"""Parses `multipart/form-data` (RFC 7578)."""

from collections.abc import Iterator
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import NamedTuple

from ..exchange.bad_field import BadField


class FormPart(NamedTuple):
    """One part of a form; `filename` is None for a field that is not a file."""

    content: bytes
    filename: str | None


def read_form(content_type: str, body: bytes) -> dict[str, FormPart]:
    """The parts of a form by name, the last one of a repeated name; raises BadField if it is not a form."""
    head = Message()
    head["content-type"] = content_type
    boundary = _parameter(head, "content-type", "boundary")
    if head.get_content_type() != "multipart/form-data" or not boundary:
        raise BadField(("content-type",), "unsupported", "expected multipart/form-data with a boundary.")
    return dict(_parts(body, b"\r\n--" + boundary.encode("latin-1", "replace")))


def _parts(body: bytes, delimiter: bytes) -> Iterator[tuple[str, FormPart]]:
    # The first delimiter stands at the very beginning, where no line break precedes it.
    _, *sections = (b"\r\n" + body).split(delimiter)
    for section in sections:
        if section.startswith(b"--"):
            return
        head, found, content = section.partition(b"\r\n\r\n")
        if not found:
            break
        headers = Message()
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            if name.strip().lower() == "content-disposition":
                headers["content-disposition"] = value.strip()
        if field := _parameter(headers, "content-disposition", "name"):
            yield field, FormPart(content, _parameter(headers, "content-disposition", "filename"))
    raise BadField(("body",), "unsupported", "expected a form that ends with its boundary.")


def _parameter(headers: Message, header: str, name: str) -> str | None:
    value = headers.get_param(name, header=header)
    if value is None:
        return None
    return collapse_rfc2231_value(value).encode("utf-8", "replace").decode()
