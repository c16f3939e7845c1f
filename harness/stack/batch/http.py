"""What both batch APIs have in common: errands over HTTP, and the shapes that come back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import httpx
import orjson

from ..core.errors import ProviderError
from ..core.reply import Answer
from ..upstream.endpoint import Endpoint
from ..upstream.transport import NETWORK_ERRORS, provider_error
from ..wire.codec import Codec
from ..wire.reading import SURPRISES, load_json, surprise

ERRAND_S = 300.0
"""No errand takes longer: uploads and results may be hundreds of megabytes."""


class Request(NamedTuple):
    """One line of a batch: its id there, and the body that its endpoint would have got."""

    custom_id: str
    body: bytes


class Progress(NamedTuple):
    """How far a batch is. `files` is where its results are; `reason` why it failed as a whole."""

    ended: bool
    cancelled: bool = False
    files: tuple[str, ...] = ()
    reason: str = ""


class Result(NamedTuple):
    """What became of one request: an answer, or why there is none."""

    custom_id: str
    answer: Answer | None
    error: ProviderError | None


class BatchApi(Protocol):
    """One provider's batches. Everything raises `ProviderError`."""

    async def submit(self, key: str, requests: Sequence[Request]) -> str:
        """Send a batch; its id there. `key` is our name for it."""
        ...

    async def find(self, key: str, total: int, known: Sequence[str]) -> str | None:
        """The batch of that key, when nobody knows whether it was made; `known` are others' ids."""
        ...

    async def look(self, batch_id: str) -> Progress:
        """How far it is."""
        ...

    async def collect(self, progress: Progress) -> list[Result]:
        """The results of a batch that has ended; what is not among them was not done."""
        ...

    async def cancel(self, batch_id: str) -> None:
        """Let nothing more of it be done; what is done stays."""
        ...


@dataclass(frozen=True, slots=True)
class Errands:
    """Requests to a provider that are answered at once and whole."""

    transport: httpx.AsyncBaseTransport
    codec: Codec
    endpoint: Endpoint
    headers: Mapping[str, str]

    async def run(
        self,
        method: Literal["GET", "POST"],
        path: str,
        content: bytes = b"",
        content_type: str = "application/json",
    ) -> bytes:
        """The body of the reply to one errand."""
        headers = {**self.headers, "user-agent": "brownout"}
        if content:
            headers["content-type"] = content_type
        request = httpx.Request(
            method, self.endpoint.base_url + path, headers=headers, content=content or None
        )
        try:
            async with asyncio.timeout(ERRAND_S):
                response = await self.transport.handle_async_request(request)
                response.request = request
                try:
                    body = await response.aread()
                finally:
                    await response.aclose()
        except TimeoutError:
            raise ProviderError("timeout_total", f"{path} took longer than {ERRAND_S:.0f} s") from None
        except NETWORK_ERRORS as error:
            raise provider_error(error, after_first=False) from error
        if response.status_code != 200:
            raise self.codec.error(response.status_code, response.headers, body)
        return body

    async def json(self, method: Literal["GET", "POST"], path: str, content: bytes = b"") -> dict[str, Any]:
        """The same, as the JSON object that it must be."""
        return load_json(await self.run(method, path, content), path)


def lines_of(body: bytes, what: str) -> list[dict[str, Any]]:
    """The objects of JSON lines."""
    return [load_json(line, what) for line in body.splitlines() if line.strip()]


def answered(codec: Codec, custom_id: str, reply: Any) -> Result:
    """A whole reply as a result, or as the failure that it is."""
    try:
        return Result(custom_id, Answer.of(codec.parse(orjson.dumps(reply))), None)
    except ProviderError as error:
        return Result(custom_id, None, error)


def told(what: str, fields: Mapping[str, Any], key: str) -> str:
    """A text that must be there."""
    try:
        value = fields[key]
        if not isinstance(value, str):
            raise TypeError(f"expected text, got {value!r}")
    except SURPRISES as error:
        raise surprise(what, error) from error
    return value


EXPIRED = "the provider did not get to it in time"
CANCELLED = "the batch was cancelled before it was done"
