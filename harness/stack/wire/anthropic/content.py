"""The blocks of a message in Anthropic's format: text, images and documents."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from ...core.media.media import Media
from ...core.request import Message
from ..conversation import pieces_of

Block = dict[str, Any]


def content_blocks(turn: Message) -> Iterator[Block]:
    """Text and media in order, without text that is white space alone."""
    for piece in pieces_of(turn):
        if isinstance(piece, Media):
            yield _media_block(piece)
        elif piece.strip():
            yield {"type": "text", "text": piece}


def _media_block(media: Media) -> Block:
    block: Block = {"type": "image" if media.kind == "image" else "document", "source": _source(media)}
    return block | ({"title": media.name} if media.kind == "document" and media.name else {})


def _source(media: Media) -> Block:
    if not media.data:
        return {"type": "url", "url": media.url}
    if media.kind == "document" and media.mime == "text/plain":
        return {"type": "text", "media_type": "text/plain", "data": _decoded(media.data)}
    return {"type": "base64", "media_type": media.mime, "data": media.data}


def _decoded(data: str) -> str:
    """The text of base64 data; the data itself if it is none, which the provider then refuses or not."""
    try:
        return base64.b64decode(data, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return data
