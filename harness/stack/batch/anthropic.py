"""Anthropic's message batches: the requests in one body, the results as JSON lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from ..core.errors import ProviderError
from ..upstream.endpoint import Endpoint
from ..wire.anthropic import VERSION
from ..wire.codec import Codec
from .http import (
    CANCELLED,
    EXPIRED,
    BatchHttp,
    BatchItem,
    ItemResult,
    Progress,
    result_of,
    results_in,
    text_field,
)

BATCHES = "/v1/messages/batches"
STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP status of each error type; 500 for the others."""


@dataclass(frozen=True, slots=True)
class AnthropicBatches:
    """`codec` decodes the replies in the results."""

    http: BatchHttp
    codec: Codec

    @classmethod
    def at(cls, transport: httpx.AsyncBaseTransport, codec: Codec, endpoint: Endpoint) -> "AnthropicBatches":
        """The API at `endpoint`, over `transport`."""
        headers = {"authorization": f"Bearer {endpoint.api_key}", "anthropic-version": VERSION}
        return cls(BatchHttp(transport, codec, endpoint, headers), codec)

    async def submit(self, key: str, items: Sequence[BatchItem]) -> str:
        batch = [{"custom_id": each.custom_id, "params": orjson.Fragment(each.body)} for each in items]
        created = await self.http.json("POST", BATCHES, orjson.dumps({"requests": batch}))
        return text_field("a batch", created, "id")

    async def find(self, key: str, total: int, known: Sequence[str]) -> str | None:
        """Anthropic stores no key of ours: the newest batch of `total` items that is not in `known`."""
        batches = await self.http.json("GET", f"{BATCHES}?limit=100")
        for batch in batches.get("data") or ():
            counts = batch.get("request_counts") or {}
            if batch.get("id") not in known and sum(each or 0 for each in counts.values()) == total:
                return text_field("a batch", batch, "id")
        return None

    async def status(self, batch_id: str) -> Progress:
        batch = await self.http.json("GET", f"{BATCHES}/{batch_id}")
        ended = text_field("a batch", batch, "processing_status") == "ended"
        return Progress(ended, batch.get("cancel_initiated_at") is not None, (batch_id,))

    async def collect(self, progress: Progress) -> list[ItemResult]:
        content = await self.http.request("GET", f"{BATCHES}/{progress.files[0]}/results")
        return results_in(content, self._result)

    async def cancel(self, batch_id: str) -> None:
        await self.http.request("POST", f"{BATCHES}/{batch_id}/cancel")

    def _result(self, line: Mapping[str, Any]) -> ItemResult:
        custom_id, result = text_field("a result", line, "custom_id"), line.get("result") or {}
        kind = result.get("type")
        if kind == "succeeded":
            return result_of(self.codec, custom_id, result.get("message"))
        if kind == "errored":
            body = result.get("error") or {}
            status = STATUS.get(str((body.get("error") or {}).get("type")), 500)
            return ItemResult(custom_id, None, self.codec.error(status, {}, orjson.dumps(body)))
        if kind == "canceled":
            return ItemResult(custom_id, None, ProviderError("batch_cancelled", CANCELLED))
        return ItemResult(custom_id, None, ProviderError("batch_expired", EXPIRED))
