"""OpenAI's batches: an input file, a batch, and two files of results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from ..core.errors import ProviderError
from ..upstream.endpoint import Endpoint
from ..wire.codec import Codec
from ..wire.reading import list_of, load_json, object_of
from .failures import BatchRefused
from .http import EXPIRED, BatchHttp, BatchItem, ItemResult, Progress, result_of, results_in, text_field

ENDPOINT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")
BOUNDARY = "brownout-input-file-6f1c0b"
LIMITS = ("token_limit_exceeded",)
"""Codes of batches that failed because too much is enqueued (openai-python#2084): sent later, they pass."""
KEY_FIELD = "brownout"
"""The metadata field that holds our key of a batch."""


@dataclass(frozen=True, slots=True)
class OpenAIBatches:
    """`codec` decodes the replies in the results."""

    http: BatchHttp
    codec: Codec

    @classmethod
    def at(cls, transport: httpx.AsyncBaseTransport, codec: Codec, endpoint: Endpoint) -> "OpenAIBatches":
        """The API at `endpoint`, over `transport`."""
        headers = {"authorization": f"Bearer {endpoint.api_key}"}
        return cls(BatchHttp(transport, codec, endpoint, headers), codec)

    async def submit(self, key: str, items: Sequence[BatchItem]) -> str:
        content = b"".join(_line(item) for item in items)
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        try:
            uploaded = await self.http.request("POST", "/files", _form(f"{key}.jsonl", content), kind)
            file_id = text_field("a file", load_json(uploaded, "a file"), "id")
        except ProviderError as error:
            raise BatchRefused.of(error) from error  # no batch without its file
        batch = {"input_file_id": file_id, "endpoint": ENDPOINT, "completion_window": "24h"}
        created = await self.http.json(
            "POST", "/batches", orjson.dumps(batch | {"metadata": {KEY_FIELD: key}})
        )
        return text_field("a batch", created, "id")

    async def find(self, key: str, total: int, known: Sequence[str]) -> str | None:
        batches = await self.http.json("GET", "/batches?limit=100")
        for batch in batches.get("data") or ():
            if (batch.get("metadata") or {}).get(KEY_FIELD) == key and batch.get("id") not in known:
                return text_field("a batch", batch, "id")
        return None

    async def status(self, batch_id: str) -> Progress:
        batch = await self.http.json("GET", f"/batches/{batch_id}")
        status = text_field("a batch", batch, "status")
        files = tuple(file for key in ("output_file_id", "error_file_id") if (file := batch.get(key)))
        code, reason = _failure(batch)
        passes = status == "failed" and code in LIMITS
        return Progress(status in ENDED, status == "cancelled", files, reason, status == "expired", passes)

    async def collect(self, progress: Progress) -> list[ItemResult]:
        results: list[ItemResult] = []
        gone: list[ProviderError] = []
        for file in progress.files:
            try:
                content = await self.http.request("GET", f"/files/{file}/content")
            except ProviderError as error:
                if error.retryable:
                    raise
                gone.append(error)
            else:
                results.extend(results_in(content, self._result))
        if gone and not results:
            raise gone[0]
        return results

    async def cancel(self, batch_id: str) -> None:
        await self.http.request("POST", f"/batches/{batch_id}/cancel")

    def _result(self, line: Mapping[str, Any]) -> ItemResult:
        custom_id, response = text_field("a result", line, "custom_id"), line.get("response")
        if not response:
            error = line.get("error") or {}
            message = str(error.get("message") or EXPIRED)
            kind = "batch_expired" if error.get("code") == "batch_expired" else "server_error"
            return ItemResult(custom_id, None, ProviderError(kind, message))
        status, body = response.get("status_code"), response.get("body")
        if status != 200:
            return ItemResult(custom_id, None, self.codec.error(int(status), {}, orjson.dumps(body)))
        return result_of(self.codec, custom_id, body)


def _line(item: BatchItem) -> bytes:
    line = {"custom_id": item.custom_id, "method": "POST", "url": ENDPOINT}
    return orjson.dumps(line | {"body": orjson.Fragment(item.body)}, option=orjson.OPT_APPEND_NEWLINE)


def _form(filename: str, content: bytes) -> bytes:
    """A multipart form of purpose and file. JSON lines never begin with the boundary."""
    purpose = b'--%s\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    file = b'--%s\r\ncontent-disposition: form-data; name="file"; filename="%s"\r\n'
    kind = b"content-type: application/jsonl\r\n\r\n"
    mark = BOUNDARY.encode()
    return purpose % mark + file % (mark, filename.encode()) + kind + content + b"\r\n--%s--\r\n" % mark


def _failure(batch: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message of the first error of a batch, "" if it has none."""
    errors = list_of(object_of(batch.get("errors")).get("data"))
    first = object_of(errors[0]) if errors else {}
    failed = "the batch failed" if batch.get("status") == "failed" else ""
    return str(first.get("code") or ""), str(first.get("message") or failed)
