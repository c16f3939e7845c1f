"""A script answers the requests that match it, in every protocol, and nothing else changes."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from anthropic import AsyncAnthropic
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import MockApp, ScriptError, load_script, parse_script
from mock_providers.exchange.request import Message, Part, Request, Tool, ToolResult, ToolUse
from mock_providers.scripts import Asked, ScriptedReply, select
from mock_providers.scripts.selection import last_tool, last_words, turn_of


def request(*messages: Message, **options: Any) -> Request:
    return Request("gpt-4o", messages, "0" * 16, **options)


def user(text: str) -> Message:
    return Message.of("user", text)


CALL = Message("assistant", (Part("{}", about=ToolUse("look", "c1")),))
RESULT = Message("tool", (Part("4", about=ToolResult("c1")),))
ANTHROPIC_RESULT = Message("user", (Part("4", about=ToolResult("c1")),))


def answered_by(entry: dict[str, Any], asked: Request) -> bool:
    entry = {"text": "x"} | entry
    known = Asked("openai", ("gpt-4o", "gpt-4o-2024-08-06"), "chat.completions", asked)
    return select((ScriptedReply.model_validate(entry),), known, Counter()) is not None


@pytest.mark.parametrize(
    ("entry", "matches"),
    [
        ({}, True),
        ({"message": "WEATHER"}, True),
        ({"message": "rain"}, False),
        ({"pattern": r"^the \w+\?$"}, True),
        ({"pattern": "^weather"}, False),
        ({"system": "brief"}, True),
        ({"system": "long"}, False),
        ({"turn": 1}, True),
        ({"turn": 2}, False),
        ({"tool": "look"}, True),
        ({"tool": "find"}, False),
        ({"after_tool": "look"}, False),
        ({"provider": "openai", "model": "gpt-4o-2024-08-06", "endpoint": "chat.completions"}, True),
        ({"provider": "anthropic"}, False),
        ({"model": "gpt-4o-mini"}, False),
        ({"endpoint": "messages"}, False),
        ({"message": "weather", "turn": 2}, False),
    ],
)
def test_an_entry_is_for_the_requests_that_match_all_its_fields(entry: dict[str, Any], matches: bool) -> None:
    asked = request(Message.of("system", "Be Brief."), user("the weather?"), tools=(Tool("look", {}),))
    assert answered_by(entry, asked) == matches


@pytest.mark.parametrize("result", [RESULT, ANTHROPIC_RESULT])
def test_a_tools_result_is_the_second_turn_about_the_same_words(result: Message) -> None:
    asked = request(user("the weather?"), CALL, result)
    assert (turn_of(asked), last_words(asked), last_tool(asked)) == (2, "the weather?", "look")


def test_assistant_messages_in_a_row_are_one_turn() -> None:
    assert turn_of(request(user("a"), CALL, Message.of("assistant", "b"), user("c"))) == 2


@given(firsts=st.lists(st.none() | st.integers(1, 3), max_size=5), asked=st.integers(0, 12))
def test_entries_answer_in_order_each_as_often_as_it_may(firsts: list[int | None], asked: int) -> None:
    entries = [
        {"text": str(n)} | ({} if first is None else {"first": first}) for n, first in enumerate(firsts)
    ]
    script = tuple(ScriptedReply.model_validate(entry) for entry in entries)
    answered: Counter[int] = Counter()
    seen = []
    for _ in range(asked):
        selected = select(script, Asked("openai", (), "responses", request(user("a"))), answered)
        seen.append(selected.nth if selected else None)
        if selected:
            answered[selected.nth] += 1
    expected: list[int | None] = []
    for n, first in enumerate(firsts):
        expected += [n] * (asked if first is None else first)
    assert seen == (expected + [None] * asked)[:asked]


@given(text=st.text(max_size=60), limit=st.integers(1, 20))
def test_a_text_is_cut_at_the_requests_limit_and_no_earlier(text: str, limit: int) -> None:
    choice = ScriptedReply(text=text).choice(request(user("a"), max_tokens=limit), cap=100)
    (block,) = choice.blocks
    assert (block.text, choice.finish) == (
        (text, "stop") if len(text) <= 4 * limit else (text[: 4 * limit], "length")
    )


def test_a_stop_sequence_ends_the_text() -> None:
    choice = ScriptedReply(text="one two three").choice(request(user("a"), stop=("two",)), cap=100)
    assert (choice.blocks[0].text, choice.finish, choice.stop_sequence) == ("one ", "stop_sequence", "two")


SCRIPT = [
    {"after_tool": "look", "text": "It is 4 °C."},
    {"message": "weather", "tool_calls": [{"name": "look", "arguments": {"at": "Oslo"}}]},
    {"message": "fail", "first": 1, "fault": {"kind": "http_error", "status": 503}},
    {"message": "fail", "json": {"ok": True}, "ttft_s": 0.03},
]


async def test_an_agent_of_openai_follows_the_script(serve_mock: Any, fast_profile: Any) -> None:
    app, urls = await serve_mock(script=parse_script(SCRIPT, fast_profile()))
    client = openai.AsyncOpenAI(base_url=urls["openai"], api_key="k", max_retries=1)
    tools: Any = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    messages: Any = [{"role": "user", "content": "The weather?"}]
    first = await client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
    calls: Any = first.choices[0].message.tool_calls
    (call,) = calls
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"at": "Oslo"}
    messages += [first.choices[0].message.model_dump(exclude_none=True)]
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "4"}]
    second = await client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
    assert (second.choices[0].message.content, second.choices[0].finish_reason) == ("It is 4 °C.", "stop")
    failing: Any = [{"role": "user", "content": "fail"}]
    stream = await client.chat.completions.create(model="gpt-4o", messages=failing, stream=True)
    assert "".join([c.choices[0].delta.content or "" async for c in stream]) == '{"ok":true}'
    await client.close()
    assert len(app.ledger) == 4


async def test_anthropics_reply_is_the_same(serve_mock: Any, fast_profile: Any) -> None:
    _, urls = await serve_mock(script=parse_script(SCRIPT[1:2], fast_profile()))
    client = AsyncAnthropic(base_url=urls["anthropic"], api_key="k")
    tools: Any = [{"name": "look", "input_schema": {"type": "object"}}]
    messages: Any = [{"role": "user", "content": "weather"}]
    reply = await client.messages.create(model="claude-sonnet", max_tokens=50, messages=messages, tools=tools)
    await client.close()
    assert reply.stop_reason == "tool_use"
    assert [block.input for block in reply.content if block.type == "tool_use"] == [{"at": "Oslo"}]


async def test_the_admin_api_reads_replaces_and_adds(serve_mock: Any) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient(base_url=f"{urls['admin']}/_mock/") as admin:
        assert (await admin.get("script")).json() == []
        assert (await admin.put("script", json=SCRIPT[:1])).json() == SCRIPT[:1]
        fault = {"message": "a", "fault": {"kind": "http_error", "status": 503}}
        assert (await admin.post("script/add", json=fault)).json() == [fault, SCRIPT[0]]
        refused = await admin.put("script", json=[{"file": "/etc/passwd"}])
        assert (refused.status_code, "file: expected only" in refused.json()["error"]) == (400, True)
        assert len(app.script) == 2
        await admin.post("reset", json={})
        assert app.script == ()


def test_a_profiles_own_script_stays_behind_the_runs(fast_profile: Any) -> None:
    profile = fast_profile().model_copy(update={"script": (ScriptedReply(text="profile"),)})
    app = MockApp(profile, script=(ScriptedReply(text="run"),))
    app.reset()
    assert app.script == ()


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a.toml", "[[reply]]\n", "reply 1: expected a text, json"),
        ("a.toml", "[[replies]]\ntext='a'\n", "replies: unknown key; expected [[reply]]"),
        ("a.toml", "[[reply]]\ntext=1\n", "reply 1: text: input should be a valid string"),
        ("a.toml", "[[reply]]\ntext='a'\nmesage='b'\n", "reply 1: mesage: unknown key"),
        ("a.toml", "[[reply]]\ntext='a'\njson=1\n", "reply 1: expected one of text, json and file"),
        ("a.toml", "[[reply]]\ntext='a'\npattern='('\n", "reply 1: pattern: expected a regular expression"),
        ("a.toml", "[[reply]]\nfault={kind='outtage'}\n", "reply 1: fault: input tag 'outtage'"),
        ("a.toml", "[[reply]]\nfile='none.txt'\n", "reply 1: file: expected a readable text file"),
        ("a.toml", "[[reply]\n", "a.toml: "),
        ("a.jsonl", '{"text": "a"}\n{"text": }\n', "a.jsonl: "),
        ("a.json", "{}", "expected a list of replies"),
        ("a.yaml", "", "expected a file that ends in .toml, .json or .jsonl"),
    ],
)
def test_a_bad_script_is_told_in_one_line(tmp_path: Path, name: str, text: str, error: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ScriptError) as raised:
        load_script(tmp_path / name)
    assert error.lower() in str(raised.value).lower()
    assert str(tmp_path / name) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_beside_the_script_is_the_text(tmp_path: Path) -> None:
    (tmp_path / "long.md").write_text("# Long\n")
    (tmp_path / "s.jsonl").write_text('{"file": "long.md"}\n\n{"json": null}\n')
    assert [entry.written for entry in load_script(tmp_path / "s.jsonl")] == ["# Long\n", "null"]


def test_a_script_names_providers_of_the_profile(fast_profile: Any) -> None:
    with pytest.raises(ScriptError, match="reply 1: provider: expected one of openai, anthropic, together"):
        parse_script([{"text": "a", "provider": "opnai"}], fast_profile())
