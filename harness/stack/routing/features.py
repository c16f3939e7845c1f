"""Features of a question, computed before it is answered, for the heuristic router.

Only the question itself counts, not the text around it: the last sentence of the last user message that ends
in a question mark (its last line, if there is none).

| feature | why it may separate hard from easy |
| --- | --- |
| `words` | number of words: a question that needs many words asks for something specific |
| `longest` | letters of the longest word: technical words are long |
| `mean` | letters of the mean word |
| `clauses` | commas and words that open a clause (whose, when, that, with): more to keep in mind at once |
| `names` | words with a capital letter after the first: named entities |
| `digits` | words with a digit: years and numbers |
| `who_when` | asks for a person or a date: a fact |
| `define` | asks what something stands for or is called: a definition |
| `sums` | words of arithmetic (sum, times, squared): a calculation |

Each is a plain number; the classifier standardises them.
"""

import re
from collections.abc import Sequence

from ..core.call import Call
from ..core.request import Message

NAMES = (
    "words",
    "longest",
    "mean",
    "clauses",
    "names",
    "digits",
    "who_when",
    "define",
    "sums",
)

_SENTENCE = re.compile(r"[^.:!?\n]*\?")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_CLAUSE = re.compile(r",|\b(?:whose|when|that|with|during|between|by itself)\b", re.IGNORECASE)
_WHO_WHEN = re.compile(r"\b(?:who|whom|whose|in which year|when)\b", re.IGNORECASE)
_DEFINE = re.compile(r"\b(?:stand for|called|known as|abbreviation|word for|term for)\b", re.IGNORECASE)
_SUMS = re.compile(
    r"\b(?:sum|plus|minus|times|squared|percent|power|half|factorial|multiple|divided)\b", re.IGNORECASE
)


def question_in(messages: Sequence[Message]) -> str:
    """The last question of the user; "" without a user message."""
    message = next((turn.content for turn in reversed(messages) if turn.role == "user"), "")
    questions = _SENTENCE.findall(message)
    lines = [line for line in message.splitlines() if line.strip()]
    return (questions[-1] if questions else lines[-1] if lines else "").strip()


def features(question: str) -> tuple[float, ...]:
    """One number for each of `NAMES`."""
    words = _WORD.findall(question)
    lengths = [len(word) for word in words] or [0]
    return (
        len(words),
        max(lengths),
        sum(lengths) / len(lengths),
        len(_CLAUSE.findall(question)),
        sum(word[0].isupper() for word in words[1:]),
        sum(any(char.isdigit() for char in word) for word in words),
        float(bool(_WHO_WHEN.search(question))),
        float(bool(_DEFINE.search(question))),
        len(_SUMS.findall(question)),
    )


def features_of(call: Call) -> tuple[float, ...]:
    """The features of a call's question."""
    return features(question_in(call.request.messages))
