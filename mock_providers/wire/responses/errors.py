"""Errors that only the Responses API has, in OpenAI's words."""

from ...exchange.request import Problem
from ...profile import Provider
from ..openai.errors import OpenAIErrors
from ..openai.vllm.errors import errors_of

_INVALID = "invalid_request_error"


class ResponsesErrors(OpenAIErrors):
    """OpenAI's errors where the Responses API words them differently from chat completions."""

    def prompt_too_long(self, input_tokens: int, max_tokens: int, window: int) -> Problem:
        """The input exceeds the context window. Source of the words: claude-code#77992."""
        message = (
            "Your input exceeds the context window of this model. Please adjust your input and try again."
        )
        return Problem(400, _INVALID, message, "context_length_exceeded", "input")

    def max_tokens_too_large(self, max_tokens: int, most: int, model: str) -> Problem:
        """`max_output_tokens` is above the model's."""
        message = (
            f"max_output_tokens is too large: {max_tokens}. {model} supports at most {most} output tokens."
        )
        return Problem(400, _INVALID, message, "invalid_value", "max_output_tokens")


def responses_errors_of(provider: Provider) -> OpenAIErrors:
    """The errors of the server that this provider runs; vLLM words them as for chat completions."""
    return ResponsesErrors(provider.organization) if provider.server == "own" else errors_of(provider)


def previous_not_found(response_id: str) -> Problem:
    """`previous_response_id` names no stored response. Source of the words: maximhq/bifrost#2441."""
    message = f"Previous response with id '{response_id}' not found."
    return Problem(400, _INVALID, message, "previous_response_not_found", "previous_response_id")


def previous_not_done(response_id: str, status: str) -> Problem:
    """`previous_response_id` names a response that has not ended."""
    message = f"Cannot continue from response '{response_id}' with status '{status}'."
    return Problem(400, _INVALID, message, None, "previous_response_id")


def response_not_found(response_id: str) -> Problem:
    """No stored response has this id."""
    return Problem(404, _INVALID, f"Response with id '{response_id}' not found.")


def item_not_found(item_id: str) -> Problem:
    """An item is referred to by its id, and not stored. Source of the words: oh-my-pi#41."""
    message = (
        f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to false. Try "
        "again with `store` set to true, or remove this item from your input."
    )
    return Problem(404, _INVALID, message, None, "input")


def not_stored_here(what: str, id_: str) -> Problem:
    """A prompt template or a conversation, of which there are none here."""
    return Problem(404, _INVALID, f"{what} with id '{id_}' not found.")


def no_call(call_id: str) -> Problem:
    """An output answers no call of the input. Source of the words: microsoft/vscode#320060."""
    message = f"No tool call found for function call output with call_id {call_id}."
    return Problem(400, _INVALID, message, None, "input")


def no_output(call_id: str) -> Problem:
    """A call of the input is not answered. Source of the words: opencode#16717."""
    return Problem(400, _INVALID, f"No tool output found for function call {call_id}.", None, "input")


def unsupported_parameter(name: str) -> Problem:
    """The model does not take this parameter.

    Source of the words: vercel/ai, packages/openai, `reasoning-model-temperature-error.json`, a recorded
    reply.
    """
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return Problem(400, _INVALID, message, "unsupported_parameter", name)


def cannot_cancel() -> Problem:
    """Only background responses can be cancelled. Source of the words: vllm#57999."""
    return Problem(400, _INVALID, "Cannot cancel a synchronous response.")
