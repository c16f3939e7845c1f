"""The tools that a mock model calls, and their arguments.

With `tool_choice` "auto" it calls the tools that the last user message mentions: those with a word of at
least four letters in their name that the message also has (`get_weather` for "What is the weather?"), common
verbs excepted. After a tool's result it answers with text. "required" calls the mentioned tools, or one that
is drawn; the name of a tool calls that one. Several are called at once only if the client allows parallel
calls.
"""

import re

import orjson

from ..exchange.draws import Draws
from ..exchange.request import Request, Tool
from .json_values import instance
from .prose import plain_prose

__all__ = ["arguments_of", "tools_to_call"]

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SHORTEST_WORD = 4
_VERBS = (
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
_MOST_CALLS = 8


def tools_to_call(request: Request, draws: Draws) -> tuple[Tool, ...]:
    """The tools that the reply calls, in the order of their definition; empty for a text reply."""
    choice = request.tool_choice
    if not request.tools or choice == "none" or request.prefill:
        return ()
    if choice not in ("auto", "required"):
        return tuple(tool for tool in request.tools if tool.name == choice)[:1]
    if choice == "auto" and request.messages[-1].role == "tool":
        return ()
    asked = frozenset(word.lower() for word in _WORDS.findall(request.last_user_text))
    named = [tool for tool in request.tools if not asked.isdisjoint(_name_words(tool.name))]
    if not named and choice == "required":
        named = [request.tools[int(draws.uniform("tool") * len(request.tools))]]
    return tuple(named[: _MOST_CALLS if request.parallel_tool_calls else 1])


def arguments_of(tool: Tool, draws: Draws) -> str:
    """Arguments of the tool as JSON, an object of its schema; for a tool that takes free text, a sentence."""
    if tool.free_text:
        return plain_prose().sentence_of(plain_prose().start(draws.uniform("input", tool.name)))
    value = instance({"type": "object", **tool.schema}, draws.rng("arguments", tool.name))
    return orjson.dumps(value if isinstance(value, dict) else {}).decode()


def _name_words(name: str) -> list[str]:
    words = [word.lower() for word in _WORDS.findall(name)]
    return [word for word in words if len(word) >= _SHORTEST_WORD and word not in _VERBS]
