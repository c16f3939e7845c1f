"""The content of a message in OpenAI's format: a string, or parts if there are media in it."""

from typing import Any

from ...core.media.media import Media
from ...core.request import Message
from ..conversation import pieces_of

Part = dict[str, Any]


def content_of(turn: Message) -> str | list[Part]:
    """The text, or the text and the media of a turn in order."""
    if not turn.media:
        return turn.content
    return [
        media_part(piece) if isinstance(piece, Media) else {"type": "text", "text": piece}
        for piece in pieces_of(turn)
    ]


def media_part(media: Media) -> Part:
    """One image, recording or file."""
    if media.kind == "image":
        image: Part = {"url": media.url} | ({"detail": media.detail} if media.detail else {})
        return {"type": "image_url", "image_url": image}
    if media.kind == "audio":
        sound = media.mime.partition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": sound}}
    file: Part = {"file_id": media.file_id} if media.file_id else {"file_data": media.url}
    return {"type": "file", "file": file | ({"filename": media.name} if media.name else {})}
