"""What can be seen of a question before anybody answers it: the features that the heuristic router goes by.

Only the question is looked at, not the notes around it: the last sentence of the last user message that ends
in a question mark (its last line, if there is none).

| feature | why it may tell hard from easy |
| --- | --- |
| `words` | how many: a question that must say much to be clear asks for something special |
| `longest` | letters of the longest word: technical words are long |
| `mean` | letters of the mean word |
| `clauses` | commas and words that open a clause (whose, when, that, with): more to keep in mind at once |
| `names` | words with a capital letter after the first: a named thing to know something about |
| `digits` | words with a digit: years and numbers |
| `who_when` | asks for a person or a date, which is a fact to be known |
| `define` | asks what something stands for or is called: a definition |
| `sums` | words of arithmetic (sum, times, squared): something to be worked out |

Each is a plain number; the classifier brings them to one scale.
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
    """The question that a conversation ends with; "" when no user has said anything."""
    said = next((turn.content for turn in reversed(messages) if turn.role == "user"), "")
    asked = _SENTENCE.findall(said)
    lines = [line for line in said.splitlines() if line.strip()]
    return (asked[-1] if asked else lines[-1] if lines else "").strip()


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
    """Those of the question that a call asks."""
    return features(question_in(call.request.messages))
