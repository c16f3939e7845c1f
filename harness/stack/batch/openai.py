"""OpenAI's batches: an input file, a batch, and two files of results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from ..core.errors import ProviderError
from ..upstream.endpoint import Endpoint
from ..wire.codec import Codec
from .http import EXPIRED, Errands, Progress, Request, Result, answered, lines_of, told

ENDPOINT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")
BOUNDARY = "brownout-input-file-6f1c0b"
NAMED = "brownout"
"""The key of the metadata that holds our name for a batch."""


@dataclass(frozen=True, slots=True)
class OpenAIBatches:
    """`codec` reads the replies in the results."""

    errands: Errands
    codec: Codec

    @classmethod
    def at(cls, transport: httpx.AsyncBaseTransport, codec: Codec, endpoint: Endpoint) -> "OpenAIBatches":
        """Over that transport."""
        headers = {"authorization": f"Bearer {endpoint.api_key}"}
        return cls(Errands(transport, codec, endpoint, headers), codec)

    async def submit(self, key: str, requests: Sequence[Request]) -> str:
        content = b"".join(_line(request) for request in requests)
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        uploaded = await self.errands.run("POST", "/files", _form(f"{key}.jsonl", content), kind)
        file_id = told("a file", orjson.loads(uploaded), "id")
        asked = {"input_file_id": file_id, "endpoint": ENDPOINT, "completion_window": "24h"}
        made = await self.errands.json("POST", "/batches", orjson.dumps(asked | {"metadata": {NAMED: key}}))
        return told("a batch", made, "id")

    async def find(self, key: str, total: int, known: Sequence[str]) -> str | None:
        listed = await self.errands.json("GET", "/batches?limit=100")
        for batch in listed.get("data") or ():
            if (batch.get("metadata") or {}).get(NAMED) == key:
                return told("a batch", batch, "id")
        return None

    async def look(self, batch_id: str) -> Progress:
        batch = await self.errands.json("GET", f"/batches/{batch_id}")
        status = told("a batch", batch, "status")
        files = tuple(file for key in ("output_file_id", "error_file_id") if (file := batch.get(key)))
        return Progress(status in ENDED, status == "cancelled", files, _reason(batch))

    async def collect(self, progress: Progress) -> list[Result]:
        results: list[Result] = []
        for file in progress.files:
            content = await self.errands.run("GET", f"/files/{file}/content")
            results.extend(self._result(line) for line in lines_of(content, "a result"))
        return results

    async def cancel(self, batch_id: str) -> None:
        await self.errands.run("POST", f"/batches/{batch_id}/cancel")

    def _result(self, line: Mapping[str, Any]) -> Result:
        custom_id, response = told("a result", line, "custom_id"), line.get("response")
        if not response:
            error = line.get("error") or {}
            said = str(error.get("message") or EXPIRED)
            kind = "batch_expired" if error.get("code") == "batch_expired" else "server_error"
            return Result(custom_id, None, ProviderError(kind, said))
        status, body = response.get("status_code"), response.get("body")
        if status != 200:
            return Result(custom_id, None, self.codec.error(int(status), {}, orjson.dumps(body)))
        return answered(self.codec, custom_id, body)


def _line(request: Request) -> bytes:
    asked = {"custom_id": request.custom_id, "method": "POST", "url": ENDPOINT}
    return orjson.dumps(asked | {"body": orjson.Fragment(request.body)}, option=orjson.OPT_APPEND_NEWLINE)


def _form(filename: str, content: bytes) -> bytes:
    """A form of two fields. JSON lines never begin with the boundary."""
    purpose = b'--%s\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    file = b'--%s\r\ncontent-disposition: form-data; name="file"; filename="%s"\r\n'
    kind = b"content-type: application/jsonl\r\n\r\n"
    mark = BOUNDARY.encode()
    return purpose % mark + file % (mark, filename.encode()) + kind + content + b"\r\n--%s--\r\n" % mark


def _reason(batch: Mapping[str, Any]) -> str:
    errors = (batch.get("errors") or {}).get("data") or [{}]
    failed = "the batch failed" if batch.get("status") == "failed" else ""
    return str(errors[0].get("message") or failed)
