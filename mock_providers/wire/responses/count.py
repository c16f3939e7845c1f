"""Requests to count the tokens of a prompt. Source: `InputTokenCountParams` of the openai SDK."""

import orjson

from ...exchange.request import Request
from ..fields import Fields, names
from .request import Known, read_input
from .tools import read_tools

_PARAMETERS = names(
    """
    conversation input instructions model parallel_tool_calls personality previous_response_id reasoning text
    tool_choice tools truncation
    """
)


def read_count_request(body: object, known: Known) -> Request:
    """Read a request for a count; raises BadField and Refused."""
    fields = Fields(body)
    fields.only(_PARAMETERS)
    _, _, messages = read_input(fields, known)
    _, definitions = read_tools(fields)
    return Request(fields.read("model", "string") or "", (*definitions, *messages), "")


def count_body(input_tokens: int) -> bytes:
    """The JSON of a count."""
    return orjson.dumps({"object": "response.input_tokens", "input_tokens": input_tokens})
