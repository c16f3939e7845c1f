"""Requests to the admin API: their bodies and queries, parsed; BadRequest is one line for the client."""

from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import Field, ValidationError

from ..exchange.options import Options
from ..exchange.validation import one_line
from ..http import asgi

T = TypeVar("T", bound=Options)


class BadRequest(Exception):
    """The request is invalid; the message is one line."""


class Start(Options):
    """Body of `POST start`: t = 0 on the loop's clock (seconds); None: now."""

    at_s: Annotated[float, Field(allow_inf_nan=False)] | None = None


class Reset(Options):
    """Body of `POST reset`; None keeps the seed."""

    seed: int | None = None


class LedgerQuery(Options):
    """Query of `GET ledger`: the first row's index, and whether to follow new rows."""

    since: Annotated[int, Field(ge=0, strict=False)] = 0
    follow: Annotated[bool, Field(strict=False)] = False


class FromNow(Options):
    """The `for_s` of `POST faults/add`: seconds from now; None: no end."""

    for_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None


def ledger_query(scope: asgi.Scope) -> LedgerQuery:
    """The query of `GET ledger`; raises BadRequest."""
    query = scope.get("query_string", b"").decode("latin-1")
    return checked(LedgerQuery, dict(parse_qsl(query, keep_blank_values=True)))


def read_json(body: bytes) -> Any:
    """The JSON value of a body; raises BadRequest."""
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise BadRequest(f"body: expected JSON: {error}") from None


def read_fault(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; raises BadRequest."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise BadRequest("body: expected a fault: an object with a kind")
    return value


def read_options(kind: type[T], body: bytes) -> T:
    """The options in a body, all defaults when it is blank; raises BadRequest."""
    return checked(kind, read_json(body) if body.strip() else {})


def checked(kind: type[T], value: Any) -> T:
    """`value` validated as `kind`; raises BadRequest."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise BadRequest(one_line(error)) from None
