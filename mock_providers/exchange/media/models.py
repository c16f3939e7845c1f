"""The kinds of media that a model takes, by its id: a default that a profile can override.

Sources: the providers' model pages (platform.openai.com/docs/models, ai.google.dev/gemini-api/docs/models,
platform.claude.com/docs/en/about-claude/models) and the model cards of open weights.
"""

import re

from .media import MediaKind

_FAMILIES: tuple[tuple[str, tuple[MediaKind, ...]], ...] = (
    (r"gpt-3\.5|gpt-4(-\d{4}|-32k|-turbo-preview)?$|gpt-oss|o1-(mini|preview)|o3-mini", ()),
    (r"gpt-.*(audio|realtime)", ("audio",)),
    (r"claude|gpt-|o\d|chatgpt|codex|computer-use", ("image", "document")),
    (r"gemini", ("image", "audio", "video", "document")),
    (r".*(vision|-vl|vl-|llava|pixtral|llama-4|gemma-3|omni|scout|maverick)", ("image",)),
    (r"(meta-)?llama|mi[sx]tral|qwen|deepseek|gemma|phi-|kimi|glm", ()),
)
"""The first family that the id, without the organisation in front of it, begins with."""
_ANY: tuple[MediaKind, ...] = ("image", "audio", "video", "document")


def media_of(model: str) -> tuple[MediaKind, ...]:
    """The kinds that the model takes; all of them for an unknown family."""
    name = model.lower().rpartition("/")[2]
    return next((kinds for pattern, kinds in _FAMILIES if re.match(pattern, name)), _ANY)
