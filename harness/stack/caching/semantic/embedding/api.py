"""Embeddings from a provider's `/embeddings` endpoint, with their latency, failures and cost.

Each request is an attempt of its call, of kind "embedding": its cost is on the call's row, and its id is in
the provider's log.
"""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import orjson

from ....core.errors import ProviderError
from ....core.facts import AttemptFacts, CallFacts
from ....core.reply import Usage
from ....core.tokens import by_chars
from ....money.price import Price
from ....money.settlement import settle
from ....upstream.endpoint import Endpoint
from ....upstream.resend import resent
from ....upstream.send import COMMON
from ....upstream.transport import FRESH, NETWORK_ERRORS, read_body, unanswered
from ....wire.openai.codec import OpenAICodec
from ....wire.reading import SHAPE_ERRORS, load_json, shape_error
from ....wire.usage import plausible, tokens
from .embedder import Vectors, unit


@dataclass(frozen=True, slots=True)
class ApiEmbedder:
    """One request for all texts within `timeout_s`, not retried, though resent on a fresh connection (see
    `upstream/resend.py`); `shortened`: request `dimensions`.
    """

    transport: httpx.AsyncBaseTransport
    endpoint: Endpoint
    provider: str
    model: str
    price: Price
    dimensions: int = 1536
    shortened: bool = False
    timeout_s: float = 1.0
    connect_s: float = 5.0

    async def embed(self, texts: Sequence[str], facts: CallFacts | None = None) -> Vectors:
        """A vector for each text. Raises `ProviderError`."""
        until_s = asyncio.get_running_loop().time() + self.timeout_s
        of = facts or CallFacts("")
        return await resent(lambda fresh: self._attempt(texts, of, until_s, fresh=fresh))

    async def _attempt(
        self, texts: Sequence[str], facts: CallFacts, until_s: float, *, fresh: bool
    ) -> Vectors:
        attempt = self._begin(facts)
        try:
            async with asyncio.timeout_at(until_s):
                vectors, usage = self._read(await self._post(texts, attempt, fresh=fresh), len(texts))
        except TimeoutError:
            error = ProviderError("timeout_total", f"no embeddings within {self.timeout_s:g} s")
            self._fail(attempt, texts, error)
            raise error from None
        except ProviderError as error:
            self._fail(attempt, texts, error)
            raise
        except asyncio.CancelledError:
            settle(attempt, self.price, "abandoned", self._guess(texts), known=False)
            raise
        known = usage is not None
        settle(attempt, self.price, "success", usage or self._guess(texts), known=known)
        return vectors

    def _begin(self, facts: CallFacts) -> AttemptFacts:
        now = asyncio.get_running_loop().time()
        attempt = facts.begin("embedding", self.provider, self.model, now)
        attempt.price_known = self.price.known
        return attempt

    async def _post(self, texts: Sequence[str], attempt: AttemptFacts, *, fresh: bool) -> bytes:
        body: dict[str, Any] = {"model": self.model, "input": list(texts), "encoding_format": "base64"}
        if self.shortened:
            body["dimensions"] = self.dimensions
        headers = COMMON | {"authorization": f"Bearer {self.endpoint.api_key}"}
        headers["x-client-request-id"] = attempt.attempt_id
        request = httpx.Request(
            "POST",
            self.endpoint.base_url + "/embeddings",
            headers=headers,
            content=orjson.dumps(body),
            extensions={"timeout": {"connect": self.connect_s}, FRESH: fresh},
        )
        attempt.sent = True
        try:
            response = await self.transport.handle_async_request(request)
            response.request = request
            received = await read_body(response)
        except NETWORK_ERRORS as error:
            raise unanswered(error, request) from error
        if response.status_code != 200:
            raise OpenAICodec().error(response.status_code, response.headers, received)
        return received

    def _read(self, received: bytes, count: int) -> tuple[Vectors, Usage | None]:
        reply = load_json(received, "the embeddings")
        try:
            rows = sorted(reply["data"], key=lambda row: int(row["index"]))
            vectors = np.stack([_vector(row["embedding"]) for row in rows])
            usage = plausible(Usage(tokens(reply.get("usage"), "prompt_tokens") or 0, 0), wrote=False)
        except (*SHAPE_ERRORS, ValueError) as error:
            raise shape_error("the embeddings", error) from error
        if vectors.shape != (count, self.dimensions) or not np.isfinite(vectors).all():
            raise ProviderError(
                "malformed", f"expected {count} vectors of {self.dimensions} numbers, got {vectors.shape}"
            )
        return unit(vectors), usage

    def _guess(self, texts: Sequence[str]) -> Usage:
        return Usage(sum(map(by_chars, texts)), 0)

    def _fail(self, attempt: AttemptFacts, texts: Sequence[str], error: ProviderError) -> None:
        billed = error.row.may_be_billed
        usage = self._guess(texts) if billed else None
        settle(attempt, self.price, "failed", usage, known=not billed, error=error)


def _vector(value: Any) -> Vectors:
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float32)
    return np.asarray(value, dtype=np.float32)
