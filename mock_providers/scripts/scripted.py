"""One scripted reply: which requests it answers, and how."""

import re
from typing import Annotated, Any

import orjson
from pydantic import Field, field_validator, model_validator

from ..content.answers import GeneratedBlock, GeneratedChoice, ended
from ..exchange import tokens
from ..exchange.names import EndpointName
from ..exchange.options import Options, Seconds
from ..exchange.request import Request
from ..faults import Fault
from ..plan import Finish

Text = Annotated[str, Field(min_length=1)]
REPLY = ("text", "json", "tool_calls", "reasoning")
"""The fields that make a reply; one without any of them only changes latency or adds a fault."""


class ScriptedCall(Options):
    """A call of the tool `name`; `arguments`: a table, or the text itself (default: an empty table)."""

    name: Text
    arguments: dict[str, Any] | str = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """The arguments as the model writes them."""
        return self.arguments if isinstance(self.arguments, str) else orjson.dumps(self.arguments).decode()


class ScriptedReply(Options):
    """A reply to the requests that match all of these; the first that matches in a script answers.

    - `provider`, `model`, `endpoint`: as in a fault (default: all); a model by any of its names
    - `message`: a text that the last message of the user contains, in any case of letters
    - `pattern`: a regular expression that is found in it
    - `system`: a text that the system prompt contains, in any case of letters
    - `turn`: the number of this reply in the conversation, 1 without an earlier one
    - `tool`: a tool that the request offers
    - `after_tool`: the tool whose result the conversation ends with
    - `first`: answers only the first N of these requests at each provider, then later entries do

    The reply; without any of the first four the model writes it as usual:

    - `reasoning`, `text`, `tool_calls`: in this order; `json` (any value) or `file` (a path beside the
      script) in the place of `text`
    - `finish`: "stop", "length", "tool_use", "filtered", "refused", … (default: by the content)
    - `ttft_s`, `tokens_per_s`: latency without any spread (default: the model's own)
    - `fault`: a table as in a fault schedule; it hits this reply, whatever it is aimed at
    """

    provider: Text | None = None
    model: Text | None = None
    endpoint: EndpointName | None = None
    message: Text | None = None
    pattern: Text | None = None
    system: Text | None = None
    turn: Annotated[int, Field(ge=1)] | None = None
    tool: Text | None = None
    after_tool: Text | None = None
    first: Annotated[int, Field(ge=1)] | None = None

    text: str | None = None
    json_value: Annotated[Any, Field(alias="json")] = None
    file: Text | None = None
    tool_calls: Annotated[tuple[ScriptedCall, ...], Field(strict=False)] = ()
    reasoning: Text | None = None
    finish: Finish | None = None
    ttft_s: Seconds | None = None
    tokens_per_s: Annotated[float, Field(gt=0, allow_inf_nan=True)] | None = None
    fault: Fault | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"expected a regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _says_something(self) -> "ScriptedReply":
        texts = [name for name in ("text", "json", "file") if name in self._given]
        if len(texts) > 1:
            raise ValueError(f"expected one of text, json and file, got {' and '.join(texts)}")
        if not self.is_reply and self.finish is not None:
            raise ValueError("finish: expected a text, json, file, tool_calls or reasoning to go with it")
        if not self.is_reply and self.fault is None and self.ttft_s is None and self.tokens_per_s is None:
            raise ValueError(
                "expected a text, json, file, tool_calls, reasoning, fault, ttft_s or tokens_per_s"
            )
        return self

    @property
    def _given(self) -> frozenset[str]:
        """The fields that were set, by their names in a file."""
        return frozenset("json" if name == "json_value" else name for name in self.model_fields_set)

    def as_dict(self) -> dict[str, Any]:
        """The fields that were set, as JSON has them."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, serialize_as_any=True)

    @property
    def is_reply(self) -> bool:
        """Whether it has a content of its own."""
        return bool(self.tool_calls) or bool({"text", "json", "file", "reasoning"} & self._given)

    @property
    def written(self) -> str:
        """The text of the reply, "" for none."""
        if "json" in self._given:
            return orjson.dumps(self.json_value).decode()
        return self.text or ""

    def choice(self, request: Request, cap: int) -> GeneratedChoice:
        """The content of at most `cap` tokens; stop sequences and the request's own limit apply."""
        allowed = cap if request.max_tokens is None else min(cap, request.max_tokens)
        blocks: list[GeneratedBlock] = []
        cut = False
        for block in self._blocks():
            room = allowed - sum(tokens.count(earlier.text) for earlier in blocks)
            kept = block._replace(text=tokens.cut(block.text, room))
            cut = cut or kept.text != block.text
            if kept.text or not block.text:
                blocks.append(kept)
        finish: Finish = "length" if cut else self.finish or ("tool_use" if self.tool_calls else "stop")
        choice = GeneratedChoice(tuple(blocks), finish, None, "generated")
        return self._stopped(choice, request.stop)

    def _blocks(self) -> list[GeneratedBlock]:
        blocks = []
        if self.reasoning:
            blocks.append(GeneratedBlock("reasoning", self.reasoning, "reasoning_content"))
        if self.written or not self.tool_calls:
            blocks.append(GeneratedBlock("text", self.written))
        return blocks + [GeneratedBlock("tool", call.text, call.name) for call in self.tool_calls]

    def _stopped(self, choice: GeneratedChoice, stops: tuple[str, ...]) -> GeneratedChoice:
        """The choice up to the first stop sequence of its text."""
        kept: list[GeneratedBlock] = []
        for block in choice.blocks:
            if block.kind == "text" and any(stop in block.text for stop in stops):
                stopped = ended(block.text, "generated", stops, tokens.count(block.text))
                return stopped._replace(blocks=(*kept, *stopped.blocks))
            kept.append(block)
        return choice


Script = tuple[ScriptedReply, ...]
"""Entries in order; the first that matches a request answers it."""
