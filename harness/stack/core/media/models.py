"""Which media a target takes, by its provider and its model's name.

Sources: platform.openai.com/docs/guides/images-vision, platform.openai.com/docs/guides/pdf-files,
platform.claude.com/docs/en/build-with-claude/vision, docs.together.ai/docs/vision-overview.
"""

import re
from collections.abc import Iterable

from .media import Media, MediaKind

FILE_PROVIDER = "openai"
"""The provider whose file ids clients send: the stack's own format is OpenAI's."""
ANTHROPIC_DOCUMENTS = ("application/pdf", "text/plain", "")
"""Media types of documents at Anthropic; "" for an address."""
_TEXT_MODELS = re.compile(r"gpt-3\.5|gpt-4(-\d{4}|-32k|-turbo-preview)?$|gpt-oss|o1-(mini|preview)|o3-mini")
_SOUND_MODELS = re.compile(r"gpt-.*(audio|realtime)")
_OPEN_VISION = re.compile(r"vision|-vl|vl-|llava|pixtral|llama-4|gemma-3|scout|maverick", re.IGNORECASE)


def media_of(provider: str, model: str) -> tuple[MediaKind, ...]:
    """The kinds that a model takes, by its name: the default of a target."""
    name = model.rpartition("/")[2]
    if provider == "together":
        return ("image",) if _OPEN_VISION.search(name) else ()
    if provider == "openai" and _SOUND_MODELS.match(name):
        return ("audio",)
    return () if provider == "openai" and _TEXT_MODELS.match(name) else ("image", "document")


def not_taken(media: Iterable[Media], provider: str, kinds: tuple[str, ...]) -> str | None:
    """Why a target of this provider that takes these `kinds` does not take all the media, None if it does."""
    return next((reason for each in media if (reason := _not_taken(each, provider, kinds))), None)


def _not_taken(media: Media, provider: str, kinds: tuple[str, ...]) -> str | None:
    if media.kind not in kinds:
        return f"no {media.kind} input"
    if media.file_id and provider != FILE_PROVIDER:
        return "no files uploaded elsewhere"
    is_address = media.url.startswith(("http://", "https://"))
    if media.kind == "document" and provider == "openai" and is_address:
        return "no files by their address"
    if media.kind == "document" and provider == "anthropic" and media.mime not in ANTHROPIC_DOCUMENTS:
        return f"no files of type {media.mime}"
    return None
