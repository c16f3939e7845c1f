"""The tools that a mock model calls, so that every conversation makes progress.

A turn begins with a user message that follows no tool's result. In it the model

1. tries a tool whose result was an error once more (with `tool_choice` "auto": at every second draw)
2. calls the tools that the user's words mention and that it has not called in this turn: those with a word
   of at least four letters in their name that the words also have (`get_weather` for "What is the
   weather?"), common verbs excepted
3. with "auto" answers in words; with "required" calls a tool that is drawn, then the output tool, then the
   tool that it has called least often in this turn

The output tool is the one by which agent frameworks receive structured output: it has a name such as
`final_result` (Pydantic AI) or `final_answer` (smolagents), or that of a class (LangChain); else it is the
last. It is called after the others. The name of a tool as `tool_choice` calls that one. Several are called at
once only if the client allows parallel calls. So a loop over n tools, all of which work, ends within n + 1
replies, whichever tool it is that ends it; one that fails costs at most n more.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..exchange.draws import Draws
from ..exchange.request import Message, Request, Tool

__all__ = ["Turn", "tools_to_call", "turn_of"]

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_OUTPUT = re.compile(r"(final|formatted|structured)_?(answer|output|response|result)", re.IGNORECASE)
_SHORTEST_WORD = 4
_VERBS = frozenset(
    (
        "call",
        "check",
        "create",
        "fetch",
        "find",
        "have",
        "list",
        "look",
        "make",
        "read",
        "send",
        "show",
        "tell",
    )
)
_MOST_CALLS = 8
_RETRY_SHARE = 0.5


class Turn(NamedTuple):
    """The conversation since the user's last request.

    - `asked`: the user's words in it
    - `called`: how often each tool was called
    - `failed`: the tools whose last result, at the end of the conversation, is an error
    - `answered`: the conversation ends with a tool's result
    """

    asked: str
    called: Counter[str]
    failed: frozenset[str]
    answered: bool


def turn_of(messages: Sequence[Message]) -> Turn:
    """The turn at the end of a conversation."""
    start, after_result = 0, False
    for nth, message in enumerate(messages):
        if _has_result(message):
            after_result = True
        elif message.role != "user":
            after_result = False
        elif not after_result:
            start = nth
    turn = messages[start:]
    uses = [use for message in turn for use in message.calls]
    names = {use.id: use.name for use in uses}
    last = next((message for message in reversed(turn) if message.role != "user" or message.results), None)
    results = () if last is None else last.results
    return Turn(
        asked="\n".join(message.words for message in turn if message.role == "user"),
        called=Counter(use.name for use in uses),
        failed=frozenset(names.get(result.call, result.call) for result in results if result.failed),
        answered=last is not None and _has_result(last),
    )


def tools_to_call(request: Request, draws: Draws) -> tuple[Tool, ...]:
    """The tools that the reply calls, in the order of their definition; empty for a text reply."""
    choice = request.tool_choice
    if not request.tools or choice == "none" or request.prefill:
        return ()
    if choice not in ("auto", "required"):
        return tuple(tool for tool in request.tools if tool.name == choice)[:1]
    turn, must = turn_of(request.messages), choice == "required"
    if turn.answered and not turn.called and not must:
        return ()
    chosen = _tried_again(request.tools, turn, draws, must=must) or _mentioned(request.tools, turn)
    if not chosen and must:
        chosen = [_required(request.tools, turn, draws)]
    return tuple(chosen[: _MOST_CALLS if request.parallel_tool_calls else 1])


def _tried_again(tools: Sequence[Tool], turn: Turn, draws: Draws, *, must: bool) -> list[Tool]:
    """The tools that failed at their first call."""
    if not must and turn.failed and draws.uniform("retried") >= _RETRY_SHARE:
        return []
    return [tool for tool in tools if tool.name in turn.failed and turn.called[tool.name] == 1]


def _mentioned(tools: Sequence[Tool], turn: Turn) -> list[Tool]:
    """The tools mentioned and not called yet, output tools only if they are all."""
    asked = frozenset(word.lower() for word in _WORDS.findall(turn.asked))
    named = [tool for tool in tools if not turn.called[tool.name] and not asked.isdisjoint(_name_words(tool))]
    outputs = _outputs(tools)
    return [tool for tool in named if tool not in outputs] or named


def _required(tools: Sequence[Tool], turn: Turn, draws: Draws) -> Tool:
    """One tool when none is mentioned that has not been called."""
    outputs = _outputs(tools)
    if not turn.called:
        others = [tool for tool in tools if tool not in outputs]
        return others[int(draws.uniform("tool") * len(others))]
    outputs_first = (*(outputs or tools[-1:]), *tools)
    return min(outputs_first, key=lambda tool: turn.called[tool.name])


def _outputs(tools: Sequence[Tool]) -> list[Tool]:
    """The tools that receive structured output, by their names; empty if none or all have such names."""
    found = [tool for tool in tools if _OUTPUT.search(tool.name)]
    found = found or [tool for tool in tools if tool.name[:1].isupper()]
    return found if len(found) < len(tools) else []


def _has_result(message: Message) -> bool:
    return message.role == "tool" or bool(message.results)


def _name_words(tool: Tool) -> list[str]:
    words = [word.lower() for word in _WORDS.findall(tool.name)]
    return [word for word in words if len(word) >= _SHORTEST_WORD and word not in _VERBS]
