"""Sizes read from the first bytes of a file: pixels of an image, seconds of a recording, pages of a PDF.

Formats: PNG (W3C), JPEG (ITU T.81, the frame header), GIF87a and 89a, WebP (RFC 9649), WAV (RIFF).
"""

import re
from typing import NamedTuple

DEFAULT_SECONDS = 10.0
"""The length of audio and video whose bytes are not in the request: our choice."""
_BYTES_A_SECOND = 16_000.0  # 128 kbit/s, the usual rate of MP3
_JPEG_FRAMES = frozenset((*range(0xC0, 0xD0),)) - {0xC4, 0xC8, 0xCC}
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


DEFAULT_SIZE = Size(1024, 1024)
"""The size of an image whose bytes are not in the request, or whose header is cut: our choice."""


def is_image(data: bytes) -> bool:
    """Whether the bytes begin like a PNG, JPEG, GIF or WebP file."""
    riff = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return riff or data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))


def size_of(data: bytes) -> Size:
    """The size of an image; `DEFAULT_SIZE` if its header does not have one."""
    if data[:1] == b"\x89":
        size = Size(_big(data[16:20]), _big(data[20:24]))
    elif data[:1] == b"G":
        size = Size(_little(data[6:8]), _little(data[8:10]))
    elif data[:4] == b"RIFF":
        size = _webp_size(data)
    else:
        size = _jpeg_size(data)
    return size if size.width and size.height else DEFAULT_SIZE


def seconds_of(data: bytes) -> float:
    """The length of a recording: exact for WAV, else by its bytes at 128 kbit/s; 10 s without bytes."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE" and (rate := _little(data[28:32])):
        return max(len(data) - 44, 0) / rate
    return len(data) / _BYTES_A_SECOND if data else DEFAULT_SECONDS


def pages_of(data: bytes) -> int:
    """The pages of a PDF: its page objects, at least one (compressed object streams are not read)."""
    return max(1, len(_PAGE.findall(data)))


def _webp_size(data: bytes) -> Size:
    kind = data[12:16]
    if kind == b"VP8X":
        return Size(_little(data[24:27]) + 1, _little(data[27:30]) + 1) if len(data) >= 30 else Size(0, 0)
    if kind == b"VP8L":
        bits = _little(data[21:25])
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1) if len(data) >= 25 else Size(0, 0)
    return Size(_little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF)


def _jpeg_size(data: bytes) -> Size:
    """The size in the first frame header; segments before it are skipped by their lengths."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _JPEG_FRAMES:
            return Size(_big(data[at + 7 : at + 9]), _big(data[at + 5 : at + 7]))
        at += 2 + _big(data[at + 2 : at + 4])
    return Size(0, 0)


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
