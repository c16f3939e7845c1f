"""Parameters of vLLM's API that OpenAI's lacks and that change the reply; others of its own are taken and
ignored.

Source: docs.vllm.ai/en/latest/serving/openai_compatible_server.html#extra-parameters.
"""

from dataclasses import replace

from ....exchange.bad_field import BadField
from ....exchange.request import Request
from ...fields import Fields

_NO_END = 1 << 40
_NUMBERS = ("top_k", "min_p", "repetition_penalty", "length_penalty")


def with_vllm_parameters(request: Request, body: object) -> Request:
    """The request with `min_tokens` and `ignore_eos` of its JSON; raises BadField for values that are none.

    A reply that ignores its end goes on to `max_tokens`, or as far as the context window allows.
    """
    fields = Fields(body)
    for name in _NUMBERS:
        fields.read(name, "number")
    min_tokens = fields.at_least("min_tokens", 0) or 0
    if request.max_tokens is not None and min_tokens > request.max_tokens:
        complaint = (
            f"min_tokens must be less than or equal to max_tokens={request.max_tokens}, got {min_tokens}."
        )
        raise BadField(("min_tokens",), "unsupported", complaint)
    return replace(request, min_tokens=_NO_END if fields.flag("ignore_eos") else min_tokens)
