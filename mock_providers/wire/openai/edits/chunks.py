"""Odd chunks: choices without a delta or no choices, text in unusual places."""

from typing import Any, ClassVar

from ...edit import Edit, Json
from ...events import Event, Events
from ...shared_edits import EveryObject, HeldText

_SAFE: Json = {
    name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")
}
_NOBODY: Json = {"id": "", "object": "", "created": 0, "model": ""}
"""The fields that identify a chunk of Azure's filter."""


class NoDelta(Edit):
    """Azure's asynchronous content filter: choices without a delta, in the middle and after the finish.

    Sources: openai-python#1677, litellm#3811, langchain#18977.
    """

    def __init__(self, plan: Any, at: int) -> None:
        super().__init__(plan, at)
        self._checked = 0

    def piece(self, events: Events, nth: int) -> Events:
        """The filter's results after `at` chunks."""
        return [self._results(), *events] if nth == self.at else events

    def tail(self, events: Events) -> Events:
        """The filter's last results, after the finish."""
        return [self._results(), *events]

    def whole(self, reply: Json) -> Json:
        """The results beside each message."""
        choices = [{**choice, "content_filter_results": _SAFE} for choice in reply["choices"]]
        return {**reply, "choices": choices}

    def _results(self) -> Event:
        start, self._checked = self._checked, len(self.plan.text)
        offsets = {"check_offset": start, "start_offset": start, "end_offset": self._checked}
        choice = {
            "index": 0,
            "finish_reason": None,
            "content_filter_results": _SAFE,
            "content_filter_offsets": offsets,
        }
        return Event({**_NOBODY, "choices": [choice]})


class PromptFilter(Edit):
    """Azure's first chunk has no choices, only `prompt_filter_results`. Source: semantic-kernel#7250."""

    _results: ClassVar[Json] = {
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _SAFE}]
    }

    def head(self, events: Events) -> Events:
        """The prompt's results first."""
        return [Event({**_NOBODY, "choices": [], **self._results}), *events]

    def whole(self, reply: Json) -> Json:
        """The prompt's results beside the choices."""
        return {**reply, **self._results}


class EventNames(Edit):
    """Every event has an `event:` line, as some gateways write them."""

    def each(self, events: Events) -> Events:
        """The same events, named."""
        return [event._replace(name=event.name or "message") for event in events]


class ContentParts(EveryObject):
    """Content as a list of parts, as Mistral's reasoning models send it.

    Source: docs.mistral.ai/capabilities/reasoning.
    """

    def change(self, data: Json) -> Json:
        """The same with lists for strings."""
        choices = [self._listed(choice) for choice in data.get("choices") or ()]
        return {**data, "choices": choices} if choices else data

    def _listed(self, choice: Json) -> Json:
        key = "delta" if "delta" in choice else "message"
        message = choice.get(key) or {}
        if not isinstance(message.get("content"), str) or not message["content"]:
            return choice
        return {**choice, key: {**message, "content": [{"type": "text", "text": message["content"]}]}}


class TextInStart(Edit):
    """The first chunk, which names the role, has text already, as those of Gemini's OpenAI endpoint."""

    def head(self, events: Events) -> Events:
        """The first text in the chunk of its choice's role."""
        if (first := self._first) is None:
            return events
        for event in events:
            for choice in choices_of(event):
                if choice["index"] == first.choice and "delta" in choice:
                    choice["delta"]["content"] = first.text
        return events

    def piece(self, events: Events, nth: int) -> Events:
        """All but the text that was sent already."""
        if nth or self._first is None:
            return events
        return [event for event in events if not _has_text(event)]

    @property
    def _first(self) -> Any:
        """The first piece, None when it is no text."""
        piece = next(iter(self.plan.to_send), None)
        if piece is None or self.plan.choices[piece.choice].blocks[piece.block].kind != "text":
            return None
        return piece


class TextInFinish(HeldText):
    """The last text in the chunk that has the finish reason."""

    def has_text(self, event: Event) -> bool:
        """Whether a choice has content."""
        return _has_text(event)

    def put(self, event: Event, text: str) -> None:
        """Write the text into the choice that has finished."""
        for choice in choices_of(event):
            if choice.get("finish_reason"):
                choice["delta"]["content"] = text


class NoDone(Edit):
    """The stream ends without `[DONE]`. Sources: tale#2771, opencrabs#694."""

    def tail(self, events: Events) -> Events:
        """All but the end marker."""
        return [event for event in events if event.data != "[DONE]"]


def choices_of(event: Event) -> list[Json]:
    """The choices of a chunk; none of an event that is no chunk."""
    return (event.data.get("choices") or []) if isinstance(event.data, dict) else []


def _has_text(event: Event) -> bool:
    return any((choice.get("delta") or {}).get("content") for choice in choices_of(event))
