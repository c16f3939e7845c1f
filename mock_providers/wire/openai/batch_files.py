"""OpenAI's batch files, JSON lines: input files read and checked, result files written."""

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import orjson

from ...batches.store import Batch, Item
from ...exchange.bad_field import BadField
from ...exchange.received import HeadersIn, Received
from ..fields import Fields, dumps, loads

MOST_LINES = 50_000
_EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}


class LineError(NamedTuple):
    """An error in an input file; `line` counts from 1, None means the whole file."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


def read_lines(
    content: bytes, endpoint: str, headers: HeadersIn, *, unique_ids: bool = True
) -> tuple[list[Item], list[LineError]]:
    """The items of an input file and its errors; no items when there is an error.

    `unique_ids`: two equal `custom_id`s are an error (default true).
    """
    lines = [(nth, line) for nth, line in enumerate(content.splitlines(), 1) if line.strip()]
    if not lines:
        return [], [LineError("empty_file", "The input file is empty: a batch has at least one request.")]
    if len(lines) > MOST_LINES:
        return [], [LineError("too_many_requests", f"The input file has more than {MOST_LINES} requests.")]
    items: list[Item] = []
    known: set[str] = set()
    model: list[Any] = []
    errors: list[LineError] = []
    for nth, line in lines:
        try:
            custom_id, body, raw = _read_line(line, nth, endpoint)
            model = model or [body.get("model")]
            _check_against(known if unique_ids else (), model[0], custom_id, body, nth)
            known.add(custom_id)
            items.append(Item(custom_id, Received("POST", endpoint, headers, {}, raw)))
        except _BadLine as bad:
            errors.append(bad.error)
    return ([], errors) if errors else (items, [])


def queue_full(items: Sequence[Item], organization: str, limit: int) -> LineError:
    """The error of a batch that exceeds the tokens that may wait.

    Sources: platform.openai.com/docs/guides/batch (enqueued prompt tokens per model), openai-python#2084.
    """
    model = loads(items[0].received.body).get("model")
    message = (
        f"Enqueued token limit reached for {model} in organization {organization}. Limit: {limit:,} enqueued "
        "tokens. Please try again once some in_progress batches have been completed."
    )
    return LineError("token_limit_exceeded", message)


class _BadLine(Exception):
    def __init__(self, error: LineError) -> None:
        super().__init__(error.message)
        self.error = error


def _check_against(items: Container[str], model: Any, custom_id: str, body: dict[str, Any], nth: int) -> None:
    """Check that the id is new and the model that of the lines before; raises _BadLine."""
    if custom_id in items:
        message = f"The custom_id of each request must be unique in its batch: '{custom_id}' is a duplicate."
        raise _BadLine(LineError("duplicate_custom_id", message, nth, "custom_id"))
    if body.get("model") != model:
        message = "All requests of a batch must be for one model, this one is for another."
        raise _BadLine(LineError("mismatched_model", message, nth, "body.model"))


def _read_line(line: bytes, nth: int, endpoint: str) -> tuple[str, dict[str, Any], bytes]:
    """The custom_id, the body, and the bytes to send, without streaming options; raises _BadLine."""
    try:
        fields = Fields(loads(line))
        custom_id = fields.text("custom_id")
        method = fields.text("method")
        url = fields.text("url")
        fields.require("body")
        body: dict[str, Any] = fields.read("body", "object")
        raw = dumps({name: body[name] for name in body if name not in ("stream", "stream_options")})
    except BadField as bad:
        code = {"missing": "missing_required_parameter", "type": "invalid_type"}[bad.complaint]
        name = ".".join(str(step) for step in bad.path)
        wrong = "is missing" if bad.complaint == "missing" else f"is not of type {bad.expected}"
        raise _BadLine(LineError(code, f"Parameter '{name}' {wrong}.", nth, name or None)) from None
    except ValueError:
        raise _BadLine(
            LineError("invalid_json_line", "This line is not parseable as valid JSON.", nth)
        ) from None
    if method != "POST":
        raise _BadLine(LineError("invalid_method", "The HTTP method must be POST.", nth, "method"))
    if url != endpoint:
        message = "The URL provided for this request does not match the batch endpoint."
        raise _BadLine(LineError("invalid_url", message, nth, "url"))
    return custom_id, body, raw


def result_files(batch: Batch) -> tuple[bytes, bytes]:
    """Output file (items that succeeded) and error file (the others) of a batch that has ended."""
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    for nth, item in enumerate(batch.items):
        line: dict[str, Any] = {
            "id": f"batch_req_{batch.id.removeprefix('batch_')}{nth:05x}",
            "custom_id": item.custom_id,
        }
        result = batch.results.get(nth)
        if result is not None:
            body = orjson.Fragment(result.body)
            response = {"status_code": result.status, "request_id": result.request_id, "body": body}
            into = good if result.status == 200 else bad
            into.append({**line, "response": response, "error": None})
        elif batch.schedule.outcome == "expired":
            bad.append({**line, "response": None, "error": _EXPIRED})
    return _jsonl(good), _jsonl(bad)


def result_file_id(batch: Batch, which: str) -> str:
    """The id of a result file: `which` is output or error."""
    return f"file-{which}{batch.id.removeprefix('batch_')}"


def _jsonl(lines: list[dict[str, Any]]) -> bytes:
    return b"".join([orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines])
