"""A prompt as a small recipe, and the messages made from it when the call is sent.

The user's message ends in two lines that a mock provider honours, whatever client or gateway carries them:
`Question: <text>` and `Answer in about <N> tokens.`
"""

from dataclasses import dataclass

from .filler import filler

Message = tuple[str, str]
"""(role, content)"""

_CHARS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_REQUEST = 3


@dataclass(frozen=True, slots=True)
class Prompt:
    """The recipe: a few hundred bytes for a prompt of any length, and shared by all calls that repeat it.

    `system` may be empty (no system message); `filler_chars` characters of prose, drawn by `filler_key`,
    stand before the question; `output_tokens` is the length of reply to ask for.
    """

    system: str
    question: str
    output_tokens: int
    filler_chars: int = 0
    filler_key: int = 0

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages to send, made anew at each look (microseconds; up to 4 bytes a token)."""
        user = self._ending()
        if self.filler_chars:
            user = f"{filler(self.filler_key, self.filler_chars)}\n{user}"
        return (("system", self.system), ("user", user)) if self.system else (("user", user),)

    @property
    def input_tokens(self) -> int:
        """What `count_tokens(self.messages)` gives, without making them."""
        user_chars = len(self._ending()) + (self.filler_chars + 1 if self.filler_chars else 0)
        return _count([len(self.system), user_chars] if self.system else [user_chars])

    def _ending(self) -> str:
        return f"Question: {self.question}\nAnswer in about {self.output_tokens} tokens."


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


def _count(chars_of_messages: list[int]) -> int:
    content = sum(-(-chars // _CHARS_PER_TOKEN) + _TOKENS_PER_MESSAGE for chars in chars_of_messages)
    return content + _TOKENS_PER_REQUEST
