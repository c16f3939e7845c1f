"""The Responses API: request bytes to a ResponseRequest, a Plan to a response or server-sent events."""

from collections.abc import Sequence
from functools import partial

import orjson

from ...exchange.received import Received
from ...exchange.request import Refused, Request
from ...plan import Plan
from ...profile import Provider
from ..dialect import OwnFailures, Params, Stamp, parse_json
from ..openai.errors import OpenAIErrors
from .edits import EDITS
from .errors import previous_not_found
from .frames import ResponseFrames
from .items import Json
from .reply import failed_stage, final_stage, response_object
from .request import Known, ResponseRequest, read_request


class ResponsesCodec(OwnFailures):
    """The codec of one provider."""

    edits = EDITS

    def __init__(self, provider: Provider, errors: OpenAIErrors) -> None:
        self._provider = provider
        self._errors = errors

    def parse(self, received: Received, params: Params) -> ResponseRequest:
        """Read a request that refers to nothing stored; raises Refused."""
        return self.read(received, NOTHING_KNOWN)

    def read(self, received: Received, known: Known) -> ResponseRequest:
        """Read a request that may refer to what is `known`; raises Refused."""
        read = partial(read_request, known=known, obfuscation=self._provider.obfuscation)
        return parse_json(received.body, read, self._errors)

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of the whole response."""
        return orjson.dumps(response_object(_checked(request), plan, stamp, final_stage(plan)))

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> ResponseFrames:
        """The server-sent events of the response."""
        return ResponseFrames(_checked(request), plan, stamp)

    def failed_body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of the response that the plan's in-band error ends."""
        assert plan.in_band is not None
        stage = failed_stage(plan, plan.in_band)
        return orjson.dumps(response_object(_checked(request), plan, stamp, stage))

    def error_event(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The events of the plan's in-band error, numbered after those that were sent before it."""
        assert plan.in_band is not None
        frames = self.frames(request, plan, stamp)
        sent = [frames.head, *map(frames.piece, plan.to_send)]
        if plan.finished:
            sent.append(frames.finish)
        return frames.failure(plan.in_band)


def _checked(request: Request) -> ResponseRequest:
    assert isinstance(request, ResponseRequest)
    return request


def _no_items(response_id: str) -> Sequence[Json]:
    raise Refused(previous_not_found(response_id))


NOTHING_KNOWN = Known(lambda item_id: None, _no_items)
"""Of a request without a store behind it."""
