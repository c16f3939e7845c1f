"""What a client asked for, whatever protocol carried it, and how a provider says no."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import orjson

from . import tokens


@dataclass(frozen=True)
class Request:
    """One parsed request for a reply.

    `messages` holds (role, text) in order, a system prompt as a message of its own in front, so that the same
    prompt counts the same in every protocol. `digest` names everything that decides the reply except the
    model (16 hex digits).
    """

    model: str
    messages: tuple[tuple[str, str], ...]
    digest: str
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    obfuscate: bool = field(default=False)

    @cached_property
    def input_tokens(self) -> int:
        """The prompt's tokens, by the definition of `tokens`."""
        return tokens.count_prompt(text for _, text in self.messages)

    @property
    def last_user_text(self) -> str:
        """The last message of the user, "" without one."""
        return next((text for role, text in reversed(self.messages) if role == "user"), "")


@dataclass(frozen=True, slots=True)
class Problem:
    """A provider's refusal: the HTTP status and the fields of its error body.

    `retry_after_s` is what the provider asks the client to wait; None says nothing about it.
    """

    status: int
    type: str
    message: str
    code: str | None = None
    param: str | None = None
    retry_after_s: float | None = None

    @property
    def name(self) -> str:
        """The most specific name of the error: its code where there is one, else its type."""
        return self.code or self.type


class Refused(Exception):
    """The request gets `problem` for an answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def digest_of(body: Mapping[str, object], ignored: frozenset[str]) -> str:
    """The 16 hex digits of a JSON body without its `ignored` keys, whatever the order of the keys."""
    kept = {key: value for key, value in body.items() if key not in ignored}
    return digest_of_bytes(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))


def digest_of_bytes(raw: bytes) -> str:
    """16 hex digits of the bytes."""
    return hashlib.blake2b(raw, digest_size=8).hexdigest()
