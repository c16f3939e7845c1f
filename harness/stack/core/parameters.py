"""Further parameters of a chat completion request: one table, read by the gateway, the codecs and the caches.

`Request` has fields for what every provider knows in some form (messages, tools, temperature, …). All other
parameters travel in `Request.parameters` by OpenAI's names. A new one is a row here.

Sources: https://platform.openai.com/docs/api-reference/chat/create,
https://docs.together.ai/reference/chat-completions-1, https://docs.anthropic.com/en/api/messages.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

Effect = Literal["shapes", "hint", "reply"]


class Parameter(NamedTuple):
    """One parameter.

    - `expected`: the type, for people; `valid`: whether a value is of it
    - `effect`: "shapes": it can change the answer, so it is part of the cache's key; "hint": it cannot
      (labels, routing, speed, what the provider keeps); "reply": it asks for a reply that the stack cannot
      carry, so that only its neutral values are accepted
    - `providers`: those that understand it
    - `neutral`: values that say what leaving it out says, besides null
    """

    expected: str
    valid: Callable[[Any], bool]
    effect: Effect
    providers: tuple[str, ...] = ()
    neutral: tuple[Any, ...] = ()

    def is_neutral(self, value: Any) -> bool:
        """Whether `value` says what leaving the parameter out says. `1.0` is 1, but `true` is not."""
        if value is None:
            return True
        return any(
            value == each and isinstance(value, bool) == isinstance(each, bool) for each in self.neutral
        )


def without_neutral(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that say something; unknown ones do."""
    return {
        name: value
        for name, value in parameters.items()
        if name not in PARAMETERS or not PARAMETERS[name].is_neutral(value)
    }


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_object_of_numbers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_number, value.values()))


def _is_object_of_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value.values()))


def _never(_: Any) -> bool:
    return False


_OPENAI = ("openai",)
_SAMPLERS = ("openai", "together")
_LABELLED = ("openai", "anthropic")

PARAMETERS: dict[str, Parameter] = {
    "seed": Parameter("an integer", _is_integer, "shapes", _SAMPLERS),
    "presence_penalty": Parameter("a number", _is_number, "shapes", _SAMPLERS, (0,)),
    "frequency_penalty": Parameter("a number", _is_number, "shapes", _SAMPLERS, (0,)),
    "logit_bias": Parameter("an object of numbers", _is_object_of_numbers, "shapes", _SAMPLERS, ({},)),
    "reasoning_effort": Parameter("a string", _is_text, "shapes", _SAMPLERS),
    "verbosity": Parameter("a string", _is_text, "shapes", _OPENAI, ("medium",)),
    "prediction": Parameter("an object", _is_object, "hint", _OPENAI, ({},)),
    "service_tier": Parameter("a string", _is_text, "hint", _LABELLED, ("auto",)),
    "user": Parameter("a string", _is_text, "hint", _LABELLED, ("",)),
    "safety_identifier": Parameter("a string", _is_text, "hint", _LABELLED, ("",)),
    "metadata": Parameter("an object of strings", _is_object_of_texts, "hint", _OPENAI, ({},)),
    "store": Parameter("a boolean", _is_flag, "hint", _OPENAI, (False,)),
    "prompt_cache_key": Parameter("a string", _is_text, "hint", _OPENAI, ("",)),
    "prompt_cache_retention": Parameter("a string", _is_text, "hint", _OPENAI),
    "prompt_cache_options": Parameter("an object", _is_object, "hint", _OPENAI, ({},)),
    "n": Parameter("1", _never, "reply", neutral=(1,)),
    "logprobs": Parameter("false", _never, "reply", neutral=(False, 0)),
    "top_logprobs": Parameter("0", _never, "reply", neutral=(0,)),
    "modalities": Parameter('["text"]', _never, "reply", neutral=(["text"], [])),
    "audio": Parameter("null", _never, "reply", neutral=({},)),
    "moderation": Parameter("null", _never, "reply", neutral=({},)),
    "web_search_options": Parameter("null", _never, "reply"),
    "functions": Parameter("null (use 'tools')", _never, "reply", neutral=([],)),
    "function_call": Parameter("null (use 'tool_choice')", _never, "reply", neutral=("none", "auto")),
}
"""Every parameter that is not a field of `Request`, by OpenAI's name.

`logit_bias` names tokens of the target's own tokenizer. `reasoning_effort` is passed to any model of its
providers; a model that does not reason refuses it, which is `unsupported` at that target. An empty
`web_search_options` asks for a search.
"""

HINTS = frozenset(name for name, row in PARAMETERS.items() if row.effect == "hint")
"""Parameters that cannot change the answer: not part of a cache's key, and dropped where not understood."""
