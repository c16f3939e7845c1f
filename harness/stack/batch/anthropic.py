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
from .http import CANCELLED, EXPIRED, Errands, Progress, Request, Result, answered, lines_of, told

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
"""The HTTP status that an error's type would have come with; 500 for the others."""


@dataclass(frozen=True, slots=True)
class AnthropicBatches:
    """`codec` reads the replies in the results."""

    errands: Errands
    codec: Codec

    @classmethod
    def at(cls, transport: httpx.AsyncBaseTransport, codec: Codec, endpoint: Endpoint) -> "AnthropicBatches":
        """Over that transport."""
        headers = {"authorization": f"Bearer {endpoint.api_key}", "anthropic-version": VERSION}
        return cls(Errands(transport, codec, endpoint, headers), codec)

    async def submit(self, key: str, requests: Sequence[Request]) -> str:
        asked = [{"custom_id": each.custom_id, "params": orjson.Fragment(each.body)} for each in requests]
        made = await self.errands.json("POST", BATCHES, orjson.dumps({"requests": asked}))
        return told("a batch", made, "id")

    async def find(self, key: str, total: int, known: Sequence[str]) -> str | None:
        """A batch has no name of ours here: the newest one of that size that nobody else is waiting for."""
        listed = await self.errands.json("GET", f"{BATCHES}?limit=100")
        for batch in listed.get("data") or ():
            counts = batch.get("request_counts") or {}
            if batch.get("id") not in known and sum(counts.values()) == total:
                return told("a batch", batch, "id")
        return None

    async def look(self, batch_id: str) -> Progress:
        batch = await self.errands.json("GET", f"{BATCHES}/{batch_id}")
        ended = told("a batch", batch, "processing_status") == "ended"
        return Progress(ended, batch.get("cancel_initiated_at") is not None, (batch_id,))

    async def collect(self, progress: Progress) -> list[Result]:
        content = await self.errands.run("GET", f"{BATCHES}/{progress.files[0]}/results")
        return [self._result(line) for line in lines_of(content, "a result")]

    async def cancel(self, batch_id: str) -> None:
        await self.errands.run("POST", f"{BATCHES}/{batch_id}/cancel")

    def _result(self, line: Mapping[str, Any]) -> Result:
        custom_id, result = told("a result", line, "custom_id"), line.get("result") or {}
        kind = result.get("type")
        if kind == "succeeded":
            return answered(self.codec, custom_id, result.get("message"))
        if kind == "errored":
            body = result.get("error") or {}
            status = STATUS.get(str((body.get("error") or {}).get("type")), 500)
            return Result(custom_id, None, self.codec.error(status, {}, orjson.dumps(body)))
        if kind == "canceled":
            return Result(custom_id, None, ProviderError("batch_cancelled", CANCELLED))
        return Result(custom_id, None, ProviderError("batch_expired", EXPIRED))
