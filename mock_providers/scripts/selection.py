"""The entry of a script that answers a request: a pure function of both and of how often entries answered."""

import re
from collections import Counter
from typing import NamedTuple

from ..exchange.request import Request
from .scripted import Script, ScriptedReply


class Asked(NamedTuple):
    """A request for a reply as a script sees it; `models`: every name of its model."""

    provider: str
    models: tuple[str, ...]
    endpoint: str
    request: Request


class Selected(NamedTuple):
    """The entry that answers a request, and its index in the script."""

    nth: int
    entry: ScriptedReply


def select(script: Script, asked: Asked, answered: Counter[int]) -> Selected | None:
    """The first entry that matches and is not used up, None for none.

    `answered` holds how many requests each entry, by its index, has answered.
    """
    for nth, entry in enumerate(script):
        used_up = entry.first is not None and answered[nth] >= entry.first
        if not used_up and matches(entry, asked):
            return Selected(nth, entry)
    return None


def matches(entry: ScriptedReply, asked: Asked) -> bool:
    """Whether the entry is for such a request, used up or not."""
    return (
        entry.provider in (None, asked.provider)
        and (entry.model is None or entry.model in asked.models)
        and entry.endpoint in (None, asked.endpoint)
        and entry.turn in (None, turn_of(asked.request))
        and _words_match(entry, asked.request)
        and _tools_match(entry, asked.request)
    )


def turn_of(request: Request) -> int:
    """1 for the first reply of a conversation. Messages of the assistant in a row are one reply."""
    roles = [message.role for message in request.messages]
    return 1 + sum(
        role == "assistant" and roles[n + 1 : n + 2] != ["assistant"] for n, role in enumerate(roles)
    )


def last_words(request: Request) -> str:
    """The words of the last message of the user that has any: a tool's result is none."""
    users = (message.words for message in reversed(request.messages) if message.role == "user")
    return next((words for words in users if words.strip()), "")


def last_tool(request: Request) -> str | None:
    """The tool whose result the conversation ends with, None if it ends otherwise."""
    last = request.messages[-1] if request.messages else None
    if last is None or not last.results:
        return None
    names = {call.id: call.name for message in request.messages for call in message.calls}
    return names.get(last.results[-1].call, last.results[-1].call)


def _words_match(entry: ScriptedReply, request: Request) -> bool:
    if entry.message is None and entry.pattern is None and entry.system is None:
        return True
    words = last_words(request)
    system = "\n".join(message.text for message in request.messages if message.role == "system")
    return (
        (entry.message is None or entry.message.casefold() in words.casefold())
        and (entry.pattern is None or re.search(entry.pattern, words) is not None)
        and (entry.system is None or entry.system.casefold() in system.casefold())
    )


def _tools_match(entry: ScriptedReply, request: Request) -> bool:
    offered = entry.tool is None or any(tool.name == entry.tool for tool in request.tools)
    return offered and (entry.after_tool is None or entry.after_tool == last_tool(request))
