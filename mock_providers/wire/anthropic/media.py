"""Reads the images and documents of a messages request, and counts them by Anthropic's rule."""

from ...exchange.media import anthropic_tokens
from ...exchange.media.headers import is_image, pages_of, size_of
from ...exchange.media.media import Media, Source, from_base64, from_url
from ...exchange.tokens import count
from ..fields import Fields, unsupported

MEDIA_BLOCKS = ("image", "document")
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def read_image(block: Fields) -> Media:
    """An `image` block; raises BadField."""
    holder = _source_of(block)
    kind = holder.choice("type", ("base64", "url", "file"))
    if kind == "base64":
        holder.choice("media_type", _IMAGE_TYPES)
    source = _read_source(holder, kind)
    if source.data and not is_image(source.data):
        raise unsupported("messages", "Could not process image")
    return source.counted(anthropic_tokens.image_tokens(size_of(source.data)), "image")


def read_document(block: Fields) -> Media:
    """A `document` block: a PDF, text, or content blocks of its own; raises BadField."""
    holder = _source_of(block)
    kind = holder.choice("type", ("base64", "text", "content", "url", "file"))
    about = count("".join(block.read(name, "string") or "" for name in ("title", "context")))
    if kind == "text":
        source = Source(holder.text("data").encode(), "text/plain")
    elif kind == "content":
        return _of_blocks(holder, about)
    else:
        source = _read_source(holder, kind)
    if (text := source.text) is not None:
        return source.counted(about + count(text), "document")
    return source.counted(about + anthropic_tokens.document_tokens(pages_of(source.data)), "document")


def _of_blocks(holder: Fields, about: int) -> Media:
    """A document given as text and image blocks."""
    if isinstance(holder.require("content"), str):
        text = holder.text("content")
        return Source(text.encode()).counted(about + count(text), "document")
    tokens, content = about, []
    for nth, item in enumerate(holder.items("content")):
        block = Fields(item, (*holder.path, "content", nth))
        if block.choice("type", ("text", "image")) == "image":
            image = read_image(block)
            tokens += image.tokens
            content.append(image.digest)
        else:
            tokens += count(block.text("text"))
            content.append(block.text("text"))
    return Source("\0".join(content).encode()).counted(tokens, "document")


def _source_of(block: Fields) -> Fields:
    block.require("source")
    return block.inner("source")


def _read_source(holder: Fields, kind: str) -> Source:
    if kind == "file":
        return Source(b"", address=holder.text("file_id"))
    key = "url" if kind == "url" else "data"
    try:
        if kind == "url":
            return from_url(holder.text("url"))
        return from_base64(holder.text("data"), holder.read("media_type", "string") or "")
    except ValueError:
        name = ".".join(map(str, (*holder.path, key)))
        raise unsupported(name, f"Invalid {'URL' if kind == 'url' else 'base64 data'}") from None
