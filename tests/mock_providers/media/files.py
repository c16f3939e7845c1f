"""The first bytes of images, a recording and a PDF, and JSON parts that hold them."""

import base64
import struct


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\x00\x00\x00"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00"


def jpeg(width: int, height: int) -> bytes:
    """With a segment of metadata before the frame header."""
    metadata = b"\xff\xe1" + struct.pack(">H", 6) + b"Exif"
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + metadata + frame


def webp(width: int, height: int, kind: bytes = b"VP8X") -> bytes:
    head = b"RIFF" + bytes(4) + b"WEBP" + kind + bytes(4)
    if kind == b"VP8X":
        return head + bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    if kind == b"VP8L":
        return head + b"\x2f" + (width - 1 | (height - 1) << 14).to_bytes(4, "little")
    return head + bytes(6) + struct.pack("<HH", width, height)


def wav(seconds: float, rate: int = 32_000) -> bytes:
    head = b"RIFF" + bytes(4) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate // 2, rate, 2, 16)
    return head + b"data" + bytes(4) + bytes(int(seconds * rate))


def pdf(pages: int) -> bytes:
    return b"%PDF-1.7\n<< /Type /Pages >>\n" + b"<< /Type /Page >>\n" * pages


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def data_url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{coded(data)}"
