"""Gemini's generated content: request bytes to a Request, a Plan to a JSON reply or server-sent events."""

from dataclasses import replace
from functools import partial

from ...exchange.received import Received
from ...exchange.request import Request
from ...plan import Plan
from ..dialect import Params, Stamp, parse_json
from .edits import EDITS
from .errors import GeminiErrors
from .frames import GeminiFrames
from .reply import reply_body
from .request import read_count_request, read_request


class GeminiCodec:
    """The codec of one method: generateContent, or (`streamed`) streamGenerateContent.

    A streamed reply is server-sent events when the query says `alt=sse`, else a JSON array, sent item by
    item.
    """

    edits = EDITS

    def __init__(self, errors: GeminiErrors, *, streamed: bool = False) -> None:
        self._errors = errors
        self._streamed = streamed

    def parse(self, received: Received, params: Params) -> Request:
        """Read a request for content; raises Refused."""
        request = parse_json(received.body, partial(read_request, model=params["model"]), self._errors)
        if not self._streamed:
            return request
        return replace(request, stream=True, in_array=received.query.get("alt") != "sse")

    def parse_count(self, received: Received, params: Params) -> Request:
        """Read a request to count the tokens of a prompt; raises Refused."""
        return parse_json(received.body, partial(read_count_request, model=params["model"]), self._errors)

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        return reply_body(plan, stamp)

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> GeminiFrames:
        """The server-sent events of a reply."""
        return GeminiFrames(plan, stamp)
