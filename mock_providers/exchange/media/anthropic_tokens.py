"""Tokens of images and documents at Anthropic.

An image has width × height / 750 tokens, once scaled to a long edge of 1,568 pixels and 1,600 tokens. A page
of a PDF has 1,500 to 3,000 tokens of text, and is an image too. Sources:
platform.claude.com/docs/en/build-with-claude/vision and …/build-with-claude/pdf-support.
"""

import math

from .headers import Size

_PIXELS_A_TOKEN = 750
_LONGEST_EDGE = 1568
_MOST_TOKENS = 1600
_PAGE_TEXT = 1500  # the least of the published range
_PAGE = Size(1224, 1584)  # Letter at 144 dpi: our choice


def image_tokens(size: Size) -> int:
    """Tokens of an image."""
    shrink = min(1.0, _LONGEST_EDGE / max(size))
    width, height = (side * shrink for side in size)
    return min(_MOST_TOKENS, math.ceil(width * height / _PIXELS_A_TOKEN))


def document_tokens(pages: int) -> int:
    """Tokens of a PDF."""
    return pages * (_PAGE_TEXT + image_tokens(_PAGE))
