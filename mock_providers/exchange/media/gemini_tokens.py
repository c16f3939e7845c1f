"""Tokens of images, audio, video and documents at Gemini.

An image of at most 384 pixels a side has 258 tokens; a larger one is cut into tiles of 768 pixels with 258
tokens each. A page of a document has 258 tokens, a second of audio 32, a second of video 263. A lower
`mediaResolution` fixes an image's tokens. Sources: ai.google.dev/gemini-api/docs/tokens,
ai.google.dev/gemini-api/docs/media-resolution.
"""

import math

from .headers import Size

_TILE_TOKENS, _TILE, _SMALL = 258, 768, 384
_AUDIO_A_SECOND, _VIDEO_A_SECOND = 32, 263
_BY_RESOLUTION = {"MEDIA_RESOLUTION_LOW": 64, "MEDIA_RESOLUTION_MEDIUM": 256}


def image_tokens(size: Size, resolution: str = "") -> int:
    """Tokens of an image at a `mediaResolution` ("": the default)."""
    if resolution in _BY_RESOLUTION:
        return _BY_RESOLUTION[resolution]
    if max(size) <= _SMALL:
        return _TILE_TOKENS
    return _TILE_TOKENS * -(-size.width // _TILE) * -(-size.height // _TILE)


def document_tokens(pages: int) -> int:
    """Tokens of a document."""
    return _TILE_TOKENS * pages


def audio_tokens(seconds: float) -> int:
    """Tokens of a recording."""
    return math.ceil(_AUDIO_A_SECOND * seconds)


def video_tokens(seconds: float) -> int:
    """Tokens of a video."""
    return math.ceil(_VIDEO_A_SECOND * seconds)
