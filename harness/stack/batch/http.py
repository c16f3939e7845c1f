"""Shared by both batch APIs: HTTP requests, and the types of items, progress and results."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import httpx
import orjson

from ..core.errors import ProviderError
from ..core.reply import Answer
from ..upstream.endpoint import Endpoint
from ..upstream.resend import resent
from ..upstream.transport import FRESH, NETWORK_ERRORS, read_body, unanswered
from ..wire.codec import Codec
from ..wire.reading import SHAPE_ERRORS, load_json, shape_error

TIMEOUT_S = 300.0
"""Timeout of one request: uploads and results may be hundreds of megabytes."""


class BatchItem(NamedTuple):
    """One request of a batch: its id there, and the body for the live endpoint."""

    custom_id: str
    body: bytes


class Progress(NamedTuple):
    """Status of a batch. `files` are the ids of its results; `reason` says why it failed as a whole; with
    `passes` because too much is enqueued, which passes.
    """

    ended: bool
    cancelled: bool = False
    files: tuple[str, ...] = ()
    reason: str = ""
    expired: bool = False
    passes: bool = False


class ItemResult(NamedTuple):
    """The outcome of one item: an answer, or an error."""

    custom_id: str
    answer: Answer | None
    error: ProviderError | None


class BatchApi(Protocol):
    """One provider's batch API. All methods raise `ProviderError`."""

    async def submit(self, key: str, items: Sequence[BatchItem]) -> str:
        """Send a batch under our name `key`; returns the provider's id."""
        ...

    async def find(self, key: str, total: int, known: Sequence[str]) -> str | None:
        """The id of the batch `key` if it was created, else None; `known` are the ids of other batches."""
        ...

    async def status(self, batch_id: str) -> Progress:
        """The batch's progress."""
        ...

    async def collect(self, progress: Progress) -> list[ItemResult]:
        """The results of an ended batch; items without a result were not processed."""
        ...

    async def cancel(self, batch_id: str) -> None:
        """Process no more items; finished items keep their results."""
        ...


@dataclass(frozen=True, slots=True)
class BatchHttp:
    """HTTP requests to a batch API, each answered whole. `codec` decodes its errors."""

    transport: httpx.AsyncBaseTransport
    codec: Codec
    endpoint: Endpoint
    headers: Mapping[str, str]

    async def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        content: bytes = b"",
        content_type: str = "application/json",
    ) -> bytes:
        """The body of the response. Raises `ProviderError`."""
        return await resent(lambda fresh: self._request(method, path, content, content_type, fresh=fresh))

    async def _request(
        self, method: Literal["GET", "POST"], path: str, content: bytes, content_type: str, *, fresh: bool
    ) -> bytes:
        headers = {**self.headers, "user-agent": "brownout"}
        if content:
            headers["content-type"] = content_type
        request = httpx.Request(
            method,
            self.endpoint.base_url + path,
            headers=headers,
            content=content or None,
            extensions={FRESH: fresh},
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await self.transport.handle_async_request(request)
                response.request = request
                body = await read_body(response)
        except TimeoutError:
            late = f"{path} took longer than {TIMEOUT_S:.0f} s"
            raise ProviderError("timeout_total", late, retryable=True) from None
        except NETWORK_ERRORS as error:
            raise unanswered(error, request) from error
        if not 200 <= response.status_code < 300:
            raise self.codec.error(response.status_code, response.headers, body)
        return body

    async def json(self, method: Literal["GET", "POST"], path: str, content: bytes = b"") -> dict[str, Any]:
        """The response as a JSON object. Raises `ProviderError`."""
        return load_json(await self.request(method, path, content), path)


def results_in(body: bytes, read: Callable[[dict[str, Any]], ItemResult]) -> list[ItemResult]:
    """The results in a JSON Lines body; a line that cannot be read is no result."""
    results: list[ItemResult] = []
    for line in body.splitlines():
        try:
            results.append(read(load_json(line, "a result")))
        except (ProviderError, ValueError, *SHAPE_ERRORS):
            continue
    return results


def result_of(codec: Codec, custom_id: str, reply: Any) -> ItemResult:
    """The result of a whole reply: its answer, or the error if it cannot be decoded."""
    try:
        return ItemResult(custom_id, Answer.of(codec.parse(orjson.dumps(reply))), None)
    except ProviderError as error:
        return ItemResult(custom_id, None, error)


def text_field(what: str, fields: Mapping[str, Any], key: str) -> str:
    """A required string field. Raises `ProviderError("malformed")`."""
    try:
        value = fields[key]
        if not isinstance(value, str):
            raise TypeError(f"expected text, got {value!r}")
    except SHAPE_ERRORS as error:
        raise shape_error(what, error) from error
    return value


EXPIRED = "the batch expired before the provider processed the request"
CANCELLED = "the batch was cancelled before the provider processed the request"
