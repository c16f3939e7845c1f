"""Reads the images, recordings and files of a chat completion request."""

from ...exchange.bad_field import BadField
from ...exchange.media import openai_tokens
from ...exchange.media.headers import is_image, pages_of, seconds_of, size_of
from ...exchange.media.media import Media, Source, from_base64, from_url
from ...exchange.request import Part
from ...exchange.tokens import count
from ..fields import Fields

MEDIA_PARTS = ("image_url", "input_audio", "file")
_DETAILS = ("auto", "low", "high", "original")
_BAD_IMAGE = (
    "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
    "['png', 'jpeg', 'gif', 'webp']."
)


def read_media(part: Fields, kind: str, model: str) -> Part:
    """One part of `MEDIA_PARTS`, counted by the model's rule; raises BadField."""
    holder = part.inner(kind)
    if kind == "image_url":
        detail = holder.choice("detail", _DETAILS) if holder.present("detail") else "auto"
        return Part("", about=image_of(model, source_of(holder, "url"), detail, holder.path))
    if kind == "input_audio":
        sound_format = holder.choice("format", ("wav", "mp3"))
        source = _base64(holder, "data", f"audio/{sound_format}")
        return Part("", about=source.counted(openai_tokens.audio_tokens(seconds_of(source.data))))
    return Part("", about=file_of(model, _file(holder), holder.path))


def image_of(model: str, source: Source, detail: str, path: tuple[str | int, ...]) -> Media:
    """An image by its bytes or its address; raises BadField for bytes that are no image."""
    if source.data and not is_image(source.data):
        raise BadField(path, "unsupported", _BAD_IMAGE)
    tokens = openai_tokens.image_tokens(model, size_of(source.data), detail)
    return source.counted(tokens, "image")


def file_of(model: str, source: Source, path: tuple[str | int, ...]) -> Media:
    """A file: an image, text, or else a PDF; raises BadField."""
    if source.kind == "image":
        return image_of(model, source, "auto", path)
    if (text := source.text) is not None:
        return source.counted(count(text), "document")
    return source.counted(openai_tokens.file_tokens(model, pages_of(source.data)), "document")


def _file(holder: Fields) -> Source:
    if holder.present("file_id"):
        return Source(b"", address=holder.text("file_id"))
    return source_of(holder, "file_data")


def source_of(holder: Fields, key: str) -> Source:
    """The bytes of a data URL, or the address, under `key`; raises BadField."""
    url = holder.text(key)
    try:
        return from_url(url)
    except ValueError:
        complaint = f"Expected a valid URL or a base64-encoded data URL, but got '{url[:40]}'."
        raise BadField((*holder.path, key), "unsupported", complaint) from None


def _base64(holder: Fields, key: str, mime: str) -> Source:
    try:
        return from_base64(holder.text(key), mime)
    except ValueError:
        raise BadField((*holder.path, key), "unsupported", "Expected a base64-encoded value.") from None
