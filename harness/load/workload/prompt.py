"""A prompt as a small recipe, and the messages made from it when the call is sent.

The user's message ends in two lines that a mock provider honours, whatever client or gateway carries them:
`Question: <text>` and `Answer in about <N> tokens.`
"""

from dataclasses import dataclass, replace

from .prose import filler

Message = tuple[str, str]
"""(role, content)"""

_CHARS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_REQUEST = 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn that lies behind: what the user said, and a reply with that answer, of the length asked for."""

    question: str
    output_tokens: int
    filler_chars: int
    filler_key: int
    answer: str

    @property
    def messages(self) -> tuple[Message, Message]:
        """The user's message and the assistant's."""
        opening = f"The answer is {self.answer}."
        more = self.output_tokens * _CHARS_PER_TOKEN - len(opening) - 1
        reply = f"{opening} {filler(self.filler_key, more)}" if more > 0 else opening
        return ("user", _user_text(self)), ("assistant", reply)

    @property
    def chars(self) -> tuple[int, int]:
        """The lengths of its two messages, without making them."""
        opening = len("The answer is .") + len(self.answer)
        wanted = self.output_tokens * _CHARS_PER_TOKEN
        return _user_chars(self), wanted if wanted > opening + 1 else opening


@dataclass(frozen=True, slots=True)
class Prompt:
    """The recipe: a few hundred bytes for a prompt of any length, and shared by all calls that repeat it.

    `system` may be empty (no system message); `filler_chars` characters of prose, drawn by `filler_key`,
    stand before the question; `output_tokens` is the length of reply to ask for; `earlier` are the turns of
    the conversation so far.
    """

    system: str
    question: str
    output_tokens: int
    filler_chars: int = 0
    filler_key: int = 0
    earlier: tuple[Exchange, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages to send, made anew at each look (microseconds; up to 4 bytes a token)."""
        system = (("system", self.system),) if self.system else ()
        behind = (message for exchange in self.earlier for message in exchange.messages)
        return (*system, *behind, ("user", _user_text(self)))

    @property
    def input_tokens(self) -> int:
        """What `count_tokens(self.messages)` gives, without making them."""
        behind = [chars for exchange in self.earlier for chars in exchange.chars]
        return _count([*([len(self.system)] if self.system else []), *behind, _user_chars(self)])

    def answered(self, answer: str) -> Exchange:
        """This turn, once it lies behind."""
        return Exchange(self.question, self.output_tokens, self.filler_chars, self.filler_key, answer)

    def after(self, earlier: tuple[Exchange, ...]) -> "Prompt":
        """This turn at the end of a conversation."""
        return replace(self, earlier=earlier) if earlier else self


def make_prompt(system: str, question: str, input_tokens: int, output_tokens: int, key: int) -> Prompt:
    """The prompt of exactly `input_tokens`, or of as few as the texts themselves need when that is more."""
    bare = Prompt(system, question, output_tokens)
    missing_chars = _CHARS_PER_TOKEN * (input_tokens - bare.input_tokens)
    if missing_chars <= 0:
        return bare
    rounding = -len(bare.messages[-1][1]) % _CHARS_PER_TOKEN
    line_break = 1
    return Prompt(system, question, output_tokens, missing_chars + rounding - line_break, key)


def count_tokens(messages: tuple[Message, ...]) -> int:
    """Input tokens by rule: 4 characters a token rounded up, 4 more a message, 3 more a request."""
    return _count([len(content) for _, content in messages])


def _user_text(turn: Prompt | Exchange) -> str:
    if not turn.filler_chars:
        return _ending(turn)
    return f"{filler(turn.filler_key, turn.filler_chars)}\n{_ending(turn)}"


def _user_chars(turn: Prompt | Exchange) -> int:
    return len(_ending(turn)) + (turn.filler_chars + 1 if turn.filler_chars else 0)


def _ending(turn: Prompt | Exchange) -> str:
    return f"Question: {turn.question}\nAnswer in about {turn.output_tokens} tokens."


def _count(chars_of_messages: list[int]) -> int:
    content = sum(-(-chars // _CHARS_PER_TOKEN) + _TOKENS_PER_MESSAGE for chars in chars_of_messages)
    return content + _TOKENS_PER_REQUEST
