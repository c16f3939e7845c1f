"""Reads the content of a message: a string, or an array of text, image, sound and file parts."""

from typing import Any, NamedTuple

from ..core.media.media import Media
from .fields import BadRequest, nothing_else, take, text

DETAILS = ("auto", "low", "high", "original")
SOUNDS = ("wav", "mp3")


class Content(NamedTuple):
    """The words of a message, and the media between them."""

    text: str
    media: tuple[Media, ...] = ()


def read_content(content: Any, where: str, *, media: bool = True) -> Content:
    """The content of a message. Raises `BadRequest`; `media`: whether other parts than text are taken."""
    if isinstance(content, str):
        return Content(content)
    where = f"{where}.content"
    if not isinstance(content, list):
        raise BadRequest(f"{where} must be a string or an array of parts.", where)
    words, found = "", []
    for nth, part in enumerate(content):
        read = _part(part, f"{where}[{nth}]", len(words), media=media)
        if isinstance(read, Media):
            found.append(read)
        else:
            words += read
    return Content(words, tuple(found))


def _part(part: Any, where: str, at: int, *, media: bool) -> str | Media:
    kind = part.get("type", "text") if isinstance(part, dict) else None
    if kind in ("text", "refusal") and isinstance(part.get(kind), str):
        words: str = part[kind]
        return words
    reader = _MEDIA.get(kind) if media and isinstance(kind, str) else None
    if reader is None:
        expected = f"text, {', '.join(_MEDIA)}" if media else "text"
        raise BadRequest(f"{where} must be a part of one of the types {expected}.", where)
    holder = part.get(kind)
    if not isinstance(holder, dict):
        raise BadRequest(f"'{where}.{kind}' must be an object.", f"{where}.{kind}")
    fields = dict(holder)
    made: Media = reader(fields, f"{where}.{kind}", at)
    nothing_else(fields, f"{where}.{kind}.")
    return made


def _image(fields: dict[str, Any], where: str, at: int) -> Media:
    url = _url(text(fields, "url", where), f"{where}.url")
    del fields["url"]
    detail = take(fields, "detail", str, "", f"{where}.")
    if detail and detail not in DETAILS:
        raise BadRequest(f"'{where}.detail' must be one of {', '.join(DETAILS)}.", f"{where}.detail")
    return Media("image", url, detail=detail, at=at)


def _sound(fields: dict[str, Any], where: str, at: int) -> Media:
    data, sound = text(fields, "data", where), text(fields, "format", where)
    if sound not in SOUNDS:
        raise BadRequest(f"'{where}.format' must be one of {', '.join(SOUNDS)}.", f"{where}.format")
    fields.clear()
    return Media("audio", f"data:audio/{sound};base64,{data}", at=at)


def _file(fields: dict[str, Any], where: str, at: int) -> Media:
    name = take(fields, "filename", str, "", f"{where}.")
    if fields.get("file_id"):
        return Media("document", file_id=take(fields, "file_id", str, "", f"{where}."), name=name, at=at)
    url = _url(text(fields, "file_data", where), f"{where}.file_data")
    del fields["file_data"]
    return Media("document", url, name=name, at=at)


def _url(url: str, where: str) -> str:
    """A `data:` URL in base64, or an address; nothing is fetched."""
    is_data = url.startswith("data:") and ";base64," in url
    if not (is_data or url.startswith(("http://", "https://"))):
        raise BadRequest(f"'{where}' must be a URL or a base64-encoded data URL.", where)
    return url


_MEDIA = {"image_url": _image, "input_audio": _sound, "file": _file}
