"""Concise mode adds one sentence, once, at the end of the system prompt."""

from harness.stack.core.request import Message
from harness.stack.prompt.concise import INSTRUCTION, instructed

QUESTION = Message("user", "Why?")


def test_the_instruction_ends_the_system_prompt_and_changes_nothing_before_it() -> None:
    [system, question] = instructed((Message("system", "Be kind."), QUESTION))
    assert system.content == f"Be kind.\n\n{INSTRUCTION}"
    assert question is QUESTION


def test_without_a_system_prompt_it_is_one() -> None:
    assert instructed((QUESTION,)) == (Message("system", INSTRUCTION), QUESTION)


def test_the_instruction_is_added_once() -> None:
    once = instructed((Message("system", "Be kind."), QUESTION))
    assert instructed(once) == once
