"""Request bodies that are compressed: gzip, deflate (with or without zlib's header) and zstd."""

import zlib
from collections.abc import Callable

_ANY_HEADER = 47  # zlib's window bits: 32 for a header that is recognised, 15 for the largest window
_NO_HEADER = -15


class UnknownEncoding(Exception):
    """The body has an encoding that is not supported, or its bytes are not of the encoding named."""


class TooLargeDecoded(Exception):
    """The body exceeds the limit when it is decoded."""


def decoded(body: bytes, encodings: str, limit: int) -> bytes:
    """The body without its encodings, a header's value such as `gzip`; at most `limit` bytes.

    Raises UnknownEncoding or TooLargeDecoded.
    """
    for name in reversed([each.strip().lower() for each in encodings.split(",")]):
        if name in ("", "identity"):
            continue
        if name not in _DECODERS:
            raise UnknownEncoding(name)
        try:
            body = _DECODERS[name](body, limit + 1)
        except (zlib.error, OSError, ValueError):
            raise UnknownEncoding(name) from None
        if len(body) > limit:
            raise TooLargeDecoded
    return body


def _inflated(body: bytes, most: int) -> bytes:
    try:
        return _whole(body, _ANY_HEADER, most)
    except zlib.error:
        return _whole(body, _NO_HEADER, most)


def _whole(body: bytes, window_bits: int, most: int) -> bytes:
    """Raises zlib.error also for bytes that end too early."""
    decoder = zlib.decompressobj(window_bits)
    read = decoder.decompress(body, most)
    if not decoder.eof and len(read) < most:
        raise zlib.error("truncated")
    return read


def _zstd(body: bytes, most: int) -> bytes:
    import pyarrow as pa  # takes time to import, and few clients compress so

    with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
        read: bytes = stream.read(most)
    return read


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _inflated,
    "x-gzip": _inflated,
    "deflate": _inflated,
    "zstd": _zstd,
}
