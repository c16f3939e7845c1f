"""Reads the media parts of Gemini's contents (`inlineData`, `fileData`), and counts them by its rule."""

from ...exchange.bad_field import BadField
from ...exchange.media import gemini_tokens
from ...exchange.media.headers import is_image, pages_of, seconds_of, size_of
from ...exchange.media.media import Media, Source, from_base64
from ...exchange.tokens import count
from .camel_fields import CamelFields


def read_media(part: CamelFields, resolution: str) -> Media | None:
    """The media of a part at a `mediaResolution` ("": the default), None for other parts; raises BadField."""
    if part.present("inlineData"):
        return _counted(_inline(part.inner("inlineData")), part, resolution)
    if part.present("fileData"):
        file = part.inner("fileData")
        source = Source(b"", file.read("mimeType", "string") or "", file.text("fileUri"))
        return _counted(source, part, resolution)
    return None


def _inline(blob: CamelFields) -> Source:
    mime = blob.text("mimeType")
    try:
        return from_base64(blob.text("data").replace("-", "+").replace("_", "/"), mime)
    except ValueError:
        raise BadField((*blob.path, "data"), "unsupported", "Base64 decoding failed") from None


def _counted(source: Source, part: CamelFields, resolution: str) -> Media:
    if source.kind == "image":
        if source.data and not is_image(source.data):
            raise BadField(part.path, "unsupported", "Unable to process input image.")
        return source.counted(gemini_tokens.image_tokens(size_of(source.data), resolution))
    if source.kind == "audio":
        return source.counted(gemini_tokens.audio_tokens(seconds_of(source.data)))
    if source.kind == "video":
        return source.counted(gemini_tokens.video_tokens(seconds_of(source.data)))
    if (text := source.text) is not None:
        return source.counted(count(text))
    return source.counted(gemini_tokens.document_tokens(pages_of(source.data)))
