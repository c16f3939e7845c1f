"""A prompt as a small recipe, and the messages built from it when the call is sent.

The user's message ends in two lines that a mock provider reads, through any client or gateway:
`Question: <text>` and `Answer in about <N> tokens.`
"""

from dataclasses import dataclass, replace

from .prose import blocks_of_filler, filler

Message = tuple[str, str]
"""(role, content)"""

_CHARS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_REQUEST = 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier turn: the user's message, and a reply with `answer` of `output_tokens` tokens."""

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
        """The lengths of the two messages, without building them."""
        opening = len("The answer is .") + len(self.answer)
        wanted = self.output_tokens * _CHARS_PER_TOKEN
        return _user_chars(self), wanted if wanted > opening + 1 else opening


@dataclass(frozen=True, slots=True)
class Prompt:
    """The recipe: a few hundred bytes for a prompt of any length, shared by all calls that repeat it.

    `system` "" means no system message. `filler_chars` characters of prose, drawn by `filler_key`, come
    before the question. `output_tokens` is the length of reply to ask for; `earlier` are the turns so far.
    With `blocks` the prose is in blocks of `block_tokens` tokens, counted from the start of the request, so
    that prompts with the same leading blocks have a common prefix of so many whole blocks.
    """

    system: str
    question: str
    output_tokens: int
    filler_chars: int = 0
    filler_key: int = 0
    earlier: tuple[Exchange, ...] = ()
    blocks: tuple[int, ...] = ()
    block_tokens: int = 0

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages to send, built at each access (microseconds; up to 4 bytes per token)."""
        system = (("system", self.system),) if self.system else ()
        history = (message for exchange in self.earlier for message in exchange.messages)
        return (*system, *history, ("user", self._user_text()))

    def _user_text(self) -> str:
        if not self.blocks or not self.filler_chars:
            return _user_text(self)
        before = _count([*([len(self.system)] if self.system else []), 0])
        prose = blocks_of_filler(
            self.blocks,
            self.block_tokens * _CHARS_PER_TOKEN,
            before * _CHARS_PER_TOKEN,
            self.filler_chars,
            self.filler_key,
        )
        return f"{prose}\n{_ending(self)}"

    @property
    def input_tokens(self) -> int:
        """`count_tokens(self.messages)`, without building the messages."""
        history = [chars for exchange in self.earlier for chars in exchange.chars]
        return _count([*([len(self.system)] if self.system else []), *history, _user_chars(self)])

    def answered(self, answer: str) -> Exchange:
        """This turn with its answer, as history of later turns."""
        return Exchange(self.question, self.output_tokens, self.filler_chars, self.filler_key, answer)

    def after(self, earlier: tuple[Exchange, ...]) -> "Prompt":
        """This turn with `earlier` turns before it."""
        return replace(self, earlier=earlier) if earlier else self

    def made_of(self, blocks: tuple[int, ...], block_tokens: int) -> "Prompt":
        """The same length, with these leading blocks."""
        return replace(self, blocks=blocks, block_tokens=block_tokens) if blocks else self


def make_prompt(system: str, question: str, input_tokens: int, output_tokens: int, key: int) -> Prompt:
    """A prompt of exactly `input_tokens`, or longer if the texts alone need more."""
    bare = Prompt(system, question, output_tokens)
    missing_chars = _CHARS_PER_TOKEN * (input_tokens - bare.input_tokens)
    if missing_chars <= 0:
        return bare
    rounding = -len(bare.messages[-1][1]) % _CHARS_PER_TOKEN
    line_break = 1
    return Prompt(system, question, output_tokens, missing_chars + rounding - line_break, key)


def count_tokens(messages: tuple[Message, ...]) -> int:
    """Input tokens by rule: a token per 4 characters, rounded up, plus 4 per message and 3 per request."""
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
