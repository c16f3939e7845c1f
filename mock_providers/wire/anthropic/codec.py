"""Anthropic's messages: request bytes to a Request, a Plan to a JSON reply or server-sent events.

Both header generations are accepted: `x-api-key` with `anthropic-version: 2023-06-01`, and a bearer token
with `2026-10-21`, under which the sampling parameters are refused.
"""

from functools import partial

from ...exchange.bad_field import BadField
from ...exchange.received import Received
from ...exchange.request import Refused, Request
from ...plan import Plan
from ..dialect import Params, Stamp, parse_json
from .betas import betas_of
from .edits import EDITS
from .errors import AnthropicErrors
from .frames import AnthropicFrames
from .reply import reply_body
from .request import read_count_request, read_request


class AnthropicCodec:
    """The codec of one Anthropic-shaped provider."""

    edits = EDITS

    def __init__(self, errors: AnthropicErrors) -> None:
        self._errors = errors

    def parse(self, received: Received, params: Params) -> Request:
        """Read a messages request; raises Refused."""
        version = self._version(received)
        read = partial(read_request, version=version, betas=betas_of(received))
        return parse_json(received.body, read, self._errors)

    def parse_count(self, received: Received, params: Params) -> Request:
        """Read a request to count the tokens of a prompt; raises Refused."""
        self._version(received)
        return parse_json(received.body, partial(read_count_request, betas=betas_of(received)), self._errors)

    def _version(self, received: Received) -> str:
        """The `anthropic-version` header, which every request must have; raises Refused."""
        version = received.header(b"anthropic-version")
        if not version:
            bad = BadField(("anthropic-version",), "unsupported", "header is required")
            raise Refused(self._errors.bad_field(bad))
        return version

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        return reply_body(plan, stamp)

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> AnthropicFrames:
        """The server-sent events of a reply."""
        return AnthropicFrames(plan, stamp)
