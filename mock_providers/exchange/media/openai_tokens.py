"""Tokens of images, audio and files at OpenAI, and at servers that speak its protocol.

Images are counted in tiles of 512 pixels or in patches of 32, by model. Sources:
platform.openai.com/docs/guides/images-vision#calculating-costs, openai/openai-python#2851; Together's
docs.together.ai/docs/vision-overview; Qwen's and Llama's patches from their model cards.
"""

import math
from typing import NamedTuple

from .headers import Size

_FILE_PAGE = Size(1224, 1584)  # Letter at 144 dpi: our choice, as are the text tokens of a page
_FILE_PAGE_TEXT = 500
_AUDIO_TOKENS_A_SECOND = 10
_SHORT_SIDE, _LONG_SIDE, _TILE = 768, 2048, 512
_PATCH, _MOST_PATCHES = 32, 1536
_QWEN_PATCH = 28


class Tiles(NamedTuple):
    """Tokens of an image at low detail, which are also its base, and of each tile at high detail."""

    base: int
    tile: int


_TILED = {
    "gpt-4o-mini": Tiles(2833, 5667),
    "gpt-5": Tiles(70, 140),
    "o1": Tiles(75, 150),
    "o3": Tiles(75, 150),
    "computer-use": Tiles(65, 129),
}
_DEFAULT_TILES = Tiles(85, 170)  # gpt-4o, gpt-4.1, gpt-4.5
_PATCHED = {
    "gpt-4.1-mini": 1.62,
    "gpt-4.1-nano": 2.46,
    "gpt-5-mini": 1.62,
    "gpt-5-nano": 2.46,
    "gpt-5.2": 1.2,
    "gpt-5.3": 1.2,
    "gpt-5.4": 1.2,
    "gpt-5.4-mini": 1.62,
    "gpt-5.4-nano": 2.46,
    "gpt-5.5": 1.2,
    "gpt-5.6": 1.2,
    "o4-mini": 1.72,
    "codex-mini": 1.72,
}
"""Tokens a patch, by the beginning of the model's name; the longest one counts."""


def image_tokens(model: str, size: Size, detail: str = "auto") -> int:
    """Tokens of an image; "auto" is as "high". Patch models have no low detail."""
    name = model.lower().rpartition("/")[2]
    if "qwen" in name:
        return _patches(size, _QWEN_PATCH)
    if "llama" in name:
        width, height = (min(2, max(side // 560, 1)) for side in size)
        return 1601 * width * height
    known = max((each for each in (*_TILED, *_PATCHED) if name.startswith(each)), key=len, default="")
    if known in _PATCHED:
        return math.ceil(_capped_patches(size) * _PATCHED[known])
    tiles = _TILED.get(known, _DEFAULT_TILES)
    return tiles.base if detail == "low" else tiles.base + tiles.tile * _tile_count(size)


def audio_tokens(seconds: float) -> int:
    """Tokens of a recording: one for every 100 ms. Source: platform.openai.com/docs/guides/realtime-costs."""
    return math.ceil(seconds * _AUDIO_TOKENS_A_SECOND)


def file_tokens(model: str, pages: int) -> int:
    """Tokens of a PDF: text and an image of each page (the size and text of a page are our choice)."""
    return pages * (_FILE_PAGE_TEXT + image_tokens(model, _FILE_PAGE, "high"))


def _tile_count(size: Size) -> int:
    """Tiles of the image fitted into 2,048 pixels square, then to a short side of 768 pixels at most."""
    shrink = min(1.0, _LONG_SIDE / max(size))
    shrink = min(shrink, _SHORT_SIDE / min(size))
    width, height = (max(1, round(side * shrink)) for side in size)
    return -(-width // _TILE) * -(-height // _TILE)


def _capped_patches(size: Size) -> int:
    """Patches that cover the image, which is scaled down to at most 1,536 of them."""
    patches = _patches(size, _PATCH)
    if patches <= _MOST_PATCHES:
        return patches
    shrink = math.sqrt(_MOST_PATCHES * _PATCH**2 / (size.width * size.height))
    fitted = [side * shrink / _PATCH for side in size]
    shrink *= min(math.floor(side) / side if side >= 1 else 1.0 for side in fitted)
    width, height = (math.ceil(round(side * shrink / _PATCH, 6)) for side in size)
    return min(width * height, _MOST_PATCHES)


def _patches(size: Size, side: int) -> int:
    return -(-size.width // side) * -(-size.height // side)
