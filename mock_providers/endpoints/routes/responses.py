"""The routes of OpenAI's Responses API."""

from ...profile import Provider
from ...wire.openai.errors import OpenAIErrors
from ...wire.responses.codec import ResponsesCodec
from ...wire.responses.errors import responses_errors_of
from ..operations import Operation
from ..responses import stored
from ..responses.compact import Compact
from ..responses.count import InputTokens
from ..responses.create import Responses
from ..responses.stored import STORED, Retrieve
from ..routing import Route

_ALL = "/v1/responses"
_ONE = "/v1/responses/{id}"


def response_routes(provider: Provider, errors: OpenAIErrors) -> tuple[Responses, list[Route]]:
    """The endpoint of `POST /v1/responses`, which batches use too, and all other routes."""
    codec, own_errors = ResponsesCodec(provider, errors), responses_errors_of(provider)
    routes = [
        Route("POST", f"{_ALL}/input_tokens", InputTokens()),
        Route("POST", f"{_ALL}/compact", Compact(own_errors)),
        Route("GET", _ONE, Retrieve(codec)),
        Route("DELETE", _ONE, Operation(STORED, stored.delete)),
        Route("POST", f"{_ONE}/cancel", Operation(STORED, stored.cancel)),
        Route("GET", f"{_ONE}/input_items", Operation(STORED, stored.input_items)),
    ]
    return Responses(codec, own_errors), routes
