"""OpenAI's chat completions: request bytes to a Request, a Plan to a JSON reply or server-sent events."""

from ...errors import Errors
from ...exchange.received import Received
from ...exchange.request import Request
from ...plan import Plan
from ...profile import Provider
from ..dialect import Frames, Params, Stamp, parse_json
from .edits import EDITS
from .frames import frames_of
from .reply import reply_body
from .request import read_request
from .vllm_request import with_vllm_parameters


class OpenAICodec:
    """The codec of one OpenAI-shaped provider; a `lenient` one ignores request fields it does not know."""

    edits = EDITS

    def __init__(self, provider: Provider, errors: Errors, *, lenient: bool = False) -> None:
        self._provider = provider
        self._errors = errors
        self._lenient = lenient

    def parse(self, received: Received, params: Params) -> Request:
        """Read a chat completion request; raises Refused."""
        return parse_json(received.body, self._read, self._errors)

    def _read(self, body: object) -> Request:
        request = read_request(body, obfuscation=self._provider.obfuscation, lenient=self._lenient)
        return with_vllm_parameters(request, body) if self._provider.server == "vllm" else request

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        return reply_body(plan, stamp)

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> Frames:
        """The server-sent events of a reply."""
        return frames_of(request, plan, stamp)
