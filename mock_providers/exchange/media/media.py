"""One image, recording, video or document of a prompt, from its bytes or from the address of it."""

import base64
import binascii
import hashlib
from typing import Literal, NamedTuple

MediaKind = Literal["image", "audio", "video", "document"]


class Media(NamedTuple):
    """A content block that is no text: its tokens, and a digest of its bytes or of its address."""

    kind: MediaKind
    tokens: int
    digest: str


class Source(NamedTuple):
    """The content of a media block.

    - `data`: its bytes; empty for an address, which is never fetched
    - `mime`: its media type, "" when nobody states it
    - `address`: a URL or a file's id, "" for inline data
    """

    data: bytes
    mime: str = ""
    address: str = ""

    @property
    def kind(self) -> MediaKind:
        """By the media type; a document unless it is an image, audio or video."""
        main = self.mime.partition("/")[0]
        return main if main in ("image", "audio", "video") else "document"  # type: ignore[return-value]

    @property
    def text(self) -> str | None:
        """The text of a plain text document, else None."""
        return self.data.decode("utf-8", "replace") if self.mime.startswith("text/") and self.data else None

    def counted(self, tokens: int, kind: MediaKind | None = None) -> Media:
        """The block with so many tokens; `kind`: default by its media type."""
        content = self.data or self.address.encode()
        return Media(kind or self.kind, tokens, hashlib.blake2b(content, digest_size=16).hexdigest())


def from_base64(data: str, mime: str = "") -> Source:
    """Inline data; raises ValueError if it is not base64."""
    try:
        return Source(base64.b64decode(data, validate=True), mime)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def from_url(url: str) -> Source:
    """A `data:` URL's bytes, or an address; raises ValueError for bad base64 and for other schemes."""
    if url.startswith("data:"):
        head, _, data = url[5:].partition(",")
        mime, *parameters = head.split(";")
        if "base64" not in parameters:
            raise ValueError("no base64")
        return from_base64(data, mime)
    if not url.startswith(("http://", "https://", "gs://")):
        raise ValueError("unknown scheme")
    return Source(b"", address=url)
