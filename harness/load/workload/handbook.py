"""A long system prompt: the handbook of a support desk, of an exact number of tokens, always the same.

Like real prompts of that length it has numbered sections, rules in plain sentences, and some rules repeated
often. It has no "Question:" line and no "in about N tokens": mock providers read those marks.
"""

from functools import lru_cache
from itertools import count

CHARS_PER_TOKEN = 4

_TOPICS = (
    "Deliveries", "Returns", "Refunds", "Invoices", "Subscriptions", "Passwords", "Vouchers", "Warranty",
    "Damaged goods", "Addresses", "Payment failures", "Gift cards", "Business accounts", "Newsletters",
    "Marketplace sellers", "Repairs", "Customs", "Stock enquiries", "Complaints", "Accessibility",
)  # fmt: skip
_RULES = (
    "Ask for the order reference before you say anything specific about {topic}.",
    "Cases about {topic} that are older than ninety days belong to the second line; offer to hand over.",
    "Never promise a date for {topic}; say when the customer will hear from us instead.",
    "If the notes and the customer disagree about {topic}, trust the notes and say so politely.",
    "For {topic} the customer may choose between a written reply and a call back during opening hours.",
    "Do not repeat personal data when you talk about {topic}, even if the customer has written it down.",
    "When {topic} concern a minor, ask for a parent or guardian and stop there.",
    "Explain each step about {topic} in its own short sentence, in the order in which it must be done.",
    "An exception to the rules for {topic} needs the approval of a team lead, which you cannot give.",
    "If the customer has asked about {topic} before, begin with what has changed since then.",
    "Prices and fees for {topic} stand in the current price list; do not quote them from memory.",
    "A customer who is angry about {topic} gets an apology first, an explanation second.",
)
_REPEATED_RULES = (
    "Be polite, be brief, and answer what was asked.",
    "If you are not sure, say that you are not sure.",
    "Never invent an order, a person or a date.",
)
_RULES_A_SECTION = 4


@lru_cache(maxsize=8)
def handbook(opening: str, tokens: int) -> str:
    """`opening`, then the handbook up to `tokens` tokens in all; `opening` alone if it is as long."""
    room = tokens * CHARS_PER_TOKEN
    if len(opening) > room - CHARS_PER_TOKEN:
        return opening
    text = opening
    for number in count():
        if len(text) >= room:
            break
        text += ("\n\n" if text else "") + _section(number)
    return text[: room - 1].rstrip(" .,;\n") + "."


def _section(number: int) -> str:
    """Topics repeat in the next chapter, with other rules."""
    chapter, nth_topic = divmod(number, len(_TOPICS))
    topic = _TOPICS[nth_topic]
    first = number * _RULES_A_SECTION + chapter
    rules = [_RULES[(first + nth) % len(_RULES)] for nth in range(_RULES_A_SECTION)]
    repeated = _REPEATED_RULES[number % len(_REPEATED_RULES)]
    return " ".join(
        [f"{chapter + 1}.{nth_topic + 1} {topic}.", *(_about(rule, topic) for rule in rules), repeated]
    )


def _about(rule: str, topic: str) -> str:
    return rule.format(topic=topic.lower())
