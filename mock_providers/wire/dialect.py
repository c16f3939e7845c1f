"""What every wire protocol offers: bytes of a request in, bytes of a reply out, and its own way to say no.

A dialect belongs to one provider and is pure: the same arguments give the same bytes.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ..limits import Verdict
from ..plan import Plan
from ..request import Problem, Request
from .fields import BadField

HeadersIn = Mapping[bytes, bytes]
HeadersOut = list[tuple[bytes, bytes]]


class Stamp(NamedTuple):
    """What marks one reply: the provider's request id, the model's canonical id, the wall time (Unix s)."""

    request_id: str
    model: str
    wall_s: float


class Frames(Protocol):
    """The parts of a streamed reply: what precedes the content, each piece of it, what follows."""

    head: bytes
    tail: bytes

    def piece(self, text: str) -> bytes:
        """One content chunk."""
        ...


class Errors(Protocol):
    """The provider's refusals, each with the status and body fields that its clients meet."""

    def bad_json(self) -> Problem: ...
    def bad_field(self, bad: BadField) -> Problem: ...
    def too_large(self, limit_bytes: int) -> Problem: ...
    def no_key(self) -> Problem: ...
    def wrong_key(self, key: str) -> Problem: ...
    def unknown_path(self, method: str, path: str) -> Problem: ...
    def wrong_method(self, method: str, path: str) -> Problem: ...
    def unknown_model(self, name: str) -> Problem: ...
    def prompt_too_long(self, input_tokens: int, max_tokens: int, window: int) -> Problem: ...
    def max_tokens_too_large(self, max_tokens: int, most: int, model: str) -> Problem: ...
    def rate_limited(self, verdict: Verdict, model: str) -> Problem: ...
    def overloaded(self) -> Problem: ...
    def of_status(self, status: int) -> Problem: ...


class Dialect(Protocol):
    """One provider's protocol."""

    endpoint: str
    path: str

    @property
    def errors(self) -> Errors: ...

    def api_key(self, headers: HeadersIn) -> str:
        """The client's key, "" without one."""
        ...

    def parse(self, body: bytes, headers: HeadersIn) -> Request:
        """Read a request for a reply; raises Refused with the provider's own problem."""
        ...

    def headers(self, stamp: Stamp, plan: Plan) -> HeadersOut:
        """Response headers, without content-type and content-length."""
        ...

    def error_body(self, problem: Problem, request_id: str) -> bytes: ...
    def reply_body(self, plan: Plan, stamp: Stamp) -> bytes: ...
    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> Frames: ...
    def models_body(self, wall_s: float) -> bytes: ...
    def model_body(self, model_id: str, wall_s: float) -> bytes: ...


def bearer(headers: HeadersIn) -> str:
    """The token of `Authorization: Bearer <token>`, "" without one."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
