"""Images, recordings and files within a message, and how many tokens they may cost."""

from dataclasses import dataclass
from typing import Literal

MediaKind = Literal["image", "audio", "document"]

_IMAGE_TOKENS = 1600
_LOW_DETAIL_TOKENS = 85
_AUDIO_BYTES_A_TOKEN = 1600  # ten tokens a second, 128 kbit/s
_DOCUMENT_BYTES_A_TOKEN = 30
_LEAST_DOCUMENT_TOKENS = 3000


@dataclass(frozen=True, slots=True)
class Media:
    """One image, recording or file of a message.

    `url` is a `data:` URL or an address; `file_id` the id of an uploaded file instead. `name` is a file's
    name, `detail` an image's detail in OpenAI's words, "" when not given. `at` is the number of characters of
    the message's `content` before it.
    """

    kind: MediaKind
    url: str = ""
    file_id: str = ""
    name: str = ""
    detail: str = ""
    at: int = 0

    @property
    def mime(self) -> str:
        """The media type of a `data:` URL, else ""."""
        return self.url[5:].partition(",")[0].partition(";")[0] if self.url.startswith("data:") else ""

    @property
    def data(self) -> str:
        """The base64 data of a `data:` URL, else ""."""
        return self.url.partition(",")[2] if self.url.startswith("data:") else ""

    @property
    def tokens(self) -> int:
        """The most that it is likely to cost, for reservations; the provider's count replaces it.

        An image: 1,600 tokens, which is Anthropic's most (at low detail 85); a recording: 10 a second at 128
        kbit/s; a file: one for 30 bytes of it, at least 3,000, which is a page.
        """
        size = len(self.data) * 3 // 4
        if self.kind == "image":
            return _LOW_DETAIL_TOKENS if self.detail == "low" else _IMAGE_TOKENS
        if self.kind == "audio":
            return max(1, size // _AUDIO_BYTES_A_TOKEN)
        return max(_LEAST_DOCUMENT_TOKENS, size // _DOCUMENT_BYTES_A_TOKEN)
