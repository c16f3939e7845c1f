"""OpenAI's chat completions: request bytes to a Request, a Plan to a JSON reply or server-sent events."""

from dataclasses import replace

from ...errors import Errors
from ...exchange.received import Received
from ...exchange.request import Request, Tool
from ...plan import Plan
from ...profile import Provider
from ..dialect import Frames, Params, Stamp, parse_json
from ..edit import Edit
from ..edited import EditedFrames, edited_body
from .edits import EDITS
from .frames import frames_of
from .reply import reply_body
from .request import read_request
from .styles.edits import style_edits
from .styles.logprobs import Logprobs
from .styles.tools import ToolStyle, as_function_tools
from .vllm.parameters import with_vllm_parameters


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
        body, style = as_function_tools(body)
        request = read_request(body, obfuscation=self._provider.obfuscation, lenient=self._lenient)
        if style != ToolStyle():
            request = replace(request, tools=_allowed(request, style), tool_style=style)
        return with_vllm_parameters(request, body) if self._provider.server == "vllm" else request

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        body = reply_body(plan, stamp)
        edits = _edits(request, plan)
        return edited_body(body, edits) if edits else body

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> Frames:
        """The server-sent events of a reply."""
        frames, edits = frames_of(request, plan, stamp), _edits(request, plan)
        return EditedFrames(frames, edits) if edits else frames


def _allowed(request: Request, style: ToolStyle) -> tuple[Tool, ...]:
    """The tools that the model may call."""
    return tuple(tool for tool in request.tools if style.allowed is None or tool.name in style.allowed)


def _edits(request: Request, plan: Plan) -> list[Edit]:
    """The changes of a usual reply that the request asks for."""
    edits = [] if request.top_logprobs is None else [Logprobs(plan, request.top_logprobs)]
    style = request.tool_style
    return [*edits, *style_edits(plan, style)] if isinstance(style, ToolStyle) else [*edits]
