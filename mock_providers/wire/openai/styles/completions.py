"""OpenAI's legacy completions, which vLLM's tools still use: a prompt in, its continuation out, whole or
streamed.

Source: platform.openai.com/docs/api-reference/completions.
"""

from collections.abc import Iterator
from functools import partial
from types import MappingProxyType

import orjson

from ....errors import Errors
from ....exchange.bad_field import BadField
from ....exchange.received import Received
from ....exchange.request import Message, Request, digest_of
from ....plan import Piece, Plan
from ....profile import Provider
from ...dialect import Params, Stamp, parse_json
from ...edit import Edits
from ...fields import Fields, names
from ..reply import FINISH_REASON, fingerprint, usage_of
from ..request import read_stop
from ..vllm.parameters import with_vllm_parameters
from ..vllm.token_ids import text_of

_PARAMETERS = names(
    """
    best_of echo frequency_penalty logit_bias logprobs max_tokens model n presence_penalty prompt seed stop
    stream stream_options suffix temperature top_p user
    """
)
_NOT_IN_DIGEST = names("model stream stream_options user")
_USUAL_MAX_TOKENS = 16
_MOST_CHOICES = 128
_DONE = b"data: [DONE]\n\n"


class CompletionsCodec:
    """The codec of one OpenAI-shaped provider; a `lenient` one ignores request fields it does not know."""

    edits: Edits = MappingProxyType({})

    def __init__(self, provider: Provider, errors: Errors, *, lenient: bool = False) -> None:
        self._vllm = provider.server == "vllm"
        self._errors = errors
        self._lenient = lenient

    def parse(self, received: Received, params: Params) -> Request:
        """Read a completion request; raises Refused."""
        return parse_json(received.body, partial(self._read, params=params), self._errors)

    def _read(self, body: object, params: Params) -> Request:
        fields = Fields(body)
        if not self._lenient:
            fields.only(_PARAMETERS)
        prompts = _prompts(fields)
        n = (fields.at_least("n", 1) or 1) * len(prompts)
        if n > _MOST_CHOICES:
            raise BadField(("n",), "unsupported", f"at most {_MOST_CHOICES} completions in one request.")
        request = Request(
            model=fields.text("model"),
            messages=tuple(Message.of("user", prompt) for prompt in prompts),
            digest=digest_of(body if isinstance(body, dict) else {}, _NOT_IN_DIGEST),
            max_tokens=_max_tokens(fields),
            stop=read_stop(fields),
            stream=fields.flag("stream"),
            include_usage=fields.inner("stream_options").flag("include_usage"),
            n=n,
            echo=fields.flag("echo"),
        )
        return with_vllm_parameters(request, body) if self._vllm else request

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        choices = []
        for nth, choice in enumerate(plan.choices):
            text = _echo(request, nth) + plan.text_of(nth, len(choice.blocks) - 1)
            choices.append(_choice(nth, text, FINISH_REASON[choice.finish]))
        return orjson.dumps({**_about(stamp), "choices": choices, "usage": usage_of(plan)})

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> "CompletionFrames":
        """The server-sent events of a reply."""
        return CompletionFrames(request, plan, stamp)


class CompletionFrames:
    """The chunks of one completion; its text is the last block of each choice."""

    def __init__(self, request: Request, plan: Plan, stamp: Stamp) -> None:
        self._about = _about(stamp)
        self._last = [len(choice.blocks) - 1 for choice in plan.choices]
        echoed = ((nth, _echo(request, nth)) for nth in range(len(plan.choices)))
        self.head = b"".join(self._chunk(nth, text) for nth, text in echoed if text)
        self.finish = b"".join(
            self._chunk(nth, "", FINISH_REASON[choice.finish]) for nth, choice in enumerate(plan.choices)
        )
        usage = b""
        if request.include_usage:
            last = {**self._about, "choices": [], "usage": usage_of(plan)}
            usage = b"data: %s\n\n" % orjson.dumps(last)
        self.tail = usage + _DONE

    def piece(self, piece: Piece) -> bytes:
        """One content chunk; b"" for a block that is no text."""
        return b"" if piece.block != self._last[piece.choice] else self._chunk(piece.choice, piece.text)

    def _chunk(self, nth: int, text: str, finish: str | None = None) -> bytes:
        return b"data: %s\n\n" % orjson.dumps({**self._about, "choices": [_choice(nth, text, finish)]})


def _about(stamp: Stamp) -> dict[str, object]:
    return {
        "id": f"cmpl-{stamp.request_id.removeprefix('req_')}",
        "object": "text_completion",
        "created": int(stamp.wall_s),
        "model": stamp.model,
        "system_fingerprint": fingerprint(stamp.model),
    }


def _choice(nth: int, text: str, finish: str | None) -> dict[str, object]:
    return {"index": nth, "text": text, "logprobs": None, "finish_reason": finish}


def _echo(request: Request, nth: int) -> str:
    """The prompt of a choice, if it is wanted in the reply."""
    each = max(1, request.n // len(request.messages))
    return request.messages[nth // each].text if request.echo else ""


def _max_tokens(fields: Fields) -> int:
    most = fields.at_least("max_tokens", 1)
    return _USUAL_MAX_TOKENS if most is None else most


def _prompts(fields: Fields) -> tuple[str, ...]:
    """The prompts: a text, token ids, or an array of either; raises BadField."""
    value = fields.require("prompt")
    if isinstance(value, str) or (isinstance(value, list) and value and type(value[0]) is int):
        value = [value]
    if not isinstance(value, list) or not value:
        raise BadField((*fields.path, "prompt"), "type", "string", value)
    return tuple(_prompt(each, nth) for nth, each in enumerate(value))


def _prompt(value: object, nth: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(type(id_) is int and id_ >= 0 for id_ in value):
        return "".join(_texts(value))
    raise BadField(("prompt", nth), "type", "string", value)


def _texts(ids: list[int]) -> Iterator[str]:
    return (text_of(id_) for id_ in ids)
