"""A summary replaces whole rounds, is made once per `every_turns`, and continues the previous one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.reply import ToolCall
from harness.stack.core.request import Message
from harness.stack.prompt.summary import HEAD, Summaries
from harness.stack.prompt.turns import Messages


def session(rounds: int) -> Messages:
    """So many rounds and a question."""
    messages: Messages = (Message("system", "Be kind."),)
    for nth in range(rounds):
        messages = (*messages, Message("user", f"u{nth}"), Message("assistant", f"a{nth}"))
    return (*messages, Message("user", f"u{rounds}"))


def summaries(every: int = 4, keep: int = 2, most: int = 100) -> Summaries:
    return Summaries(every, keep, 150, most)


def play(known: Summaries, rounds: int) -> list[tuple[Messages, bool]]:
    """The messages of each turn, and whether it requested a summary, which the next turn then uses."""
    sent = []
    for nth in range(rounds):
        messages, needed = known.shortened(session(nth))
        sent.append((messages, needed is not None))
        if needed is not None:
            known.put(needed.key, f"what {nth} rounds said")
    return sent


def test_a_short_conversation_is_sent_as_it_is() -> None:
    messages = session(5)
    assert summaries().shortened(messages) == (messages, None)


def test_until_its_summary_is_there_a_conversation_is_sent_whole() -> None:
    messages = session(6)
    known = summaries()
    for _ in range(2):
        sent, needed = known.shortened(messages)
        assert sent is messages
        assert needed is not None


def test_a_summary_takes_the_place_of_the_rounds_it_stands_for() -> None:
    known = summaries()
    messages = session(7)
    _, needed = known.shortened(messages)
    assert needed is not None
    known.put(needed.key, "they met")
    sent, again = known.shortened(messages)
    assert sent == (messages[0], Message("user", f"{HEAD}they met"), *messages[9:])
    assert again is None


def test_a_summary_is_asked_for_once_for_every_so_many_rounds() -> None:
    assert [nth for nth, (_, asked) in enumerate(play(summaries(), 16)) if asked] == [6, 10, 14]


def test_the_next_summary_goes_on_from_the_one_before() -> None:
    known = summaries()
    play(known, 10)
    _, needed = known.shortened(session(10))
    assert needed is not None
    text = needed.messages[-1].content
    assert "what 6 rounds said" in text
    assert [word for word in ("u3", "u4", "u7", "u8") if f"user: {word}" in text] == ["u4", "u7"]
    assert text.endswith("Summarise this in about 150 tokens.")


def test_tool_calls_and_results_are_in_the_text_that_is_summarised() -> None:
    called = Message("assistant", "", (ToolCall("t1", "look_up", '{"id":7}'),))
    messages = (Message("user", "u"), called, Message("tool", "found it", (), "t1"), Message("user", "now?"))
    _, needed = summaries(every=1, keep=0).shortened(messages)
    assert needed is not None
    assert 'assistant: [look_up {"id":7}]\n\ntool: found it' in needed.messages[-1].content


def test_another_tenant_gets_no_summary() -> None:
    known = summaries()
    _, needed = known.shortened(session(6), "one")
    assert needed is not None
    known.put(needed.key, "secret")
    assert known.shortened(session(6), "two")[0] == session(6)


def test_the_oldest_summaries_are_forgotten() -> None:
    known = summaries(most=2)
    play(known, 16)
    assert len(known) == 2


@given(st.integers(1, 6), st.integers(0, 4), st.integers(1, 40))
def test_the_latest_rounds_and_the_question_are_always_sent(every: int, keep: int, rounds: int) -> None:
    for nth, (sent, _) in enumerate(play(summaries(every, keep), rounds)):
        whole = session(nth)
        latest = whole[-(1 + 2 * min(keep, nth)) :]
        assert sent[-len(latest) :] == latest
        assert sent[0] == whole[0]


@given(st.integers(1, 6), st.integers(0, 4), st.integers(1, 40))
def test_the_beginning_of_the_prompt_changes_only_when_a_summary_comes(
    every: int, keep: int, rounds: int
) -> None:
    turns = play(summaries(every, keep), rounds)
    for (before, asked), (now, _) in pairwise(turns):
        assert asked or now[: len(before)] == before
