"""vLLM's errors: it speaks OpenAI's protocol with sentences of its own in a flat body.

`{"object": "error", "message", "type", "param", "code"}`, the code being the HTTP status.
Sources: vllm#4667, vllm#20409, mozilla-ai/otari#483.
"""

import orjson

from ....exchange.media.media import MediaKind
from ....exchange.request import Problem
from ....profile import Provider
from ..errors import OpenAIErrors

_TYPES = {400: "BadRequestError", 404: "NotFoundError", 401: "AuthenticationError"}


class VllmErrors(OpenAIErrors):
    """The errors of a vLLM server."""

    def unknown_model(self, name: str) -> Problem:
        """The server does not serve this model."""
        return Problem(404, "NotFoundError", f"The model `{name}` does not exist.")

    def prompt_too_long(self, input_tokens: int, max_tokens: int, window: int) -> Problem:
        """The prompt, or prompt and `max_tokens` together, exceed the context window."""
        most = f"This model's maximum context length is {window} tokens. However, you requested"
        message = (
            f"{most} {input_tokens + max_tokens} tokens ({input_tokens} in the messages, {max_tokens} in the "
            "completion). Please reduce the length of the messages or completion."
        )
        return Problem(400, "BadRequestError", message)

    def media_refused(self, kind: MediaKind, model: str) -> Problem:
        """The model reads text alone. Source: vllm-project/vllm#23402."""
        return Problem(400, "BadRequestError", f"{model} is not a multimodal model")


def errors_of(provider: Provider) -> OpenAIErrors:
    """The errors of the server that this provider runs."""
    if provider.server == "vllm":
        return VllmErrors(provider.organization)
    return OpenAIErrors(provider.organization)


def flat_body(problem: Problem) -> bytes:
    """The JSON of an error, without an object around it."""
    return orjson.dumps(
        {
            "object": "error",
            "message": problem.message,
            "type": _TYPES.get(problem.status, problem.type),
            "param": problem.param,
            "code": problem.status,
        }
    )
