"""Requests for responses: items become a prompt, bad ones are refused, equal ones are recognised."""

import json
from typing import Any

import pytest

from mock_providers import load_profile
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Problem, Refused, Request
from mock_providers.wire.openai.codec import OpenAICodec
from mock_providers.wire.openai.errors import OpenAIErrors
from mock_providers.wire.responses.codec import ResponsesCodec
from mock_providers.wire.responses.errors import ResponsesErrors
from mock_providers.wire.responses.items import Json
from mock_providers.wire.responses.request import Known, ResponseRequest
from mock_providers.wire.responses.sealed import sealed

OPENAI = load_profile("typical").providers["openai"]
RESPONSES = ResponsesCodec(OPENAI, ResponsesErrors("org"))
CHAT = OpenAICodec(OPENAI, OpenAIErrors("org"))
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "How it will be.", "parameters": SCHEMA}
TOOLS = [{"type": "function", **FUNCTION}, {"type": "custom", "name": "write_sql"}, {"type": "web_search"}]
IMAGE = "https://example.com/a.png"
CALL = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Oslo"}'}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "Rain."}


def asked(known: Known | None = None, **body: Any) -> ResponseRequest:
    raw = json.dumps({"model": "gpt-5-mini", "input": "Hi", **body}).encode()
    received = Received("POST", "/v1/responses", {}, {}, raw)
    return RESPONSES.parse(received, {}) if known is None else RESPONSES.read(received, known)


def refused(**body: Any) -> Problem:
    with pytest.raises(Refused) as info:
        asked(**body)
    return info.value.problem


def chat(**body: Any) -> Request:
    raw = json.dumps({"model": "gpt-5-mini", **body}).encode()
    return CHAT.parse(Received("POST", "/v1/chat/completions", {}, {}, raw), {})


def shown(request: Request) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in request.messages]


def test_the_same_conversation_counts_the_same_tokens_as_in_chat_completions() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is the weather?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {k: CALL[k] for k in ("name", "arguments")}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
    ]  # fmt: skip
    items = [{"role": "user", "content": "What is the weather?"},
             {"role": "assistant", "content": "I look."}, CALL, OUTPUT]  # fmt: skip
    as_chat = chat(messages=messages, tools=[{"type": "function", "function": FUNCTION}])
    as_response = asked(instructions="Be brief.", input=items, tools=TOOLS[:1])
    assert shown(as_response) == shown(as_chat)
    assert as_response.input_tokens == as_chat.input_tokens


@pytest.mark.parametrize(
    "content",
    [
        "Hi",
        [{"type": "input_text", "text": "Hi"}],
        [
            {"type": "input_text", "text": "Hi"},
            {"type": "input_image", "image_url": IMAGE, "detail": "low"},
        ],
        [{"type": "input_file", "file_id": "file-1"}, {"type": "input_text", "text": "Hi"}],
    ],
)
def test_content_is_a_string_or_parts(content: Any) -> None:
    request = asked(input=[{"role": "user", "content": content}])
    assert "Hi" in request.last_user_text.split("\n")


def test_images_and_files_cost_the_same_tokens_as_in_chat_completions() -> None:
    file = "data:text/plain;base64,SGVsbG8sIHdvcmxkIQ=="
    as_chat = chat(messages=[{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": IMAGE, "detail": "high"}},
        {"type": "file", "file": {"file_data": file, "filename": "a.txt"}}]}])  # fmt: skip
    as_response = asked(input=[{"role": "user", "content": [
        {"type": "input_image", "image_url": IMAGE, "detail": "high"},
        {"type": "input_file", "file_data": file, "filename": "a.txt"}]}])  # fmt: skip
    assert as_response.input_tokens == as_chat.input_tokens > 100


def test_items_of_the_model_are_one_message_and_developers_are_the_system() -> None:
    items = [
        {"role": "developer", "content": "Rules."},
        {"role": "user", "content": "Go."},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed("Thinking.")},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I go."}]},
        {"type": "custom_tool_call", "call_id": "c1", "name": "write_sql", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "1"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
    ]
    assert shown(asked(input=items)) == [
        ("system", "Rules."),
        ("user", "Go."),
        ("assistant", 'Thinking.\nI go.\n{"arguments":"SELECT 1","name":"write_sql"}'),
        ("tool", "1"),
        ("assistant", '{"action":{"type":"search"},"type":"web_search_call"}'),
    ]


def test_reasoning_counts_only_since_the_last_user_message() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": sealed("x" * 400)}
    first, again = {"role": "user", "content": "A"}, {"role": "user", "content": "B"}
    assert asked(input=[first, thought, CALL, OUTPUT]).input_tokens > 100
    assert asked(input=[first, thought, CALL, OUTPUT, again]).input_tokens < 100


@pytest.mark.parametrize(
    ("body", "status", "code", "param", "words"),
    [
        ({"input": None}, 400, "missing_required_parameter", "input", "Missing required parameter: 'input'."),
        ({"input": 1}, 400, "invalid_type", "input", "expected a string"),
        ({"input": []}, 400, "unsupported_value", "input", "empty array"),
        ({"input": [{"type": "poem"}]}, 400, "invalid_value", "input[0].type", "Invalid value: 'poem'."),
        ({"input": [{"role": "user"}]}, 400, "missing_required_parameter", "input[0].content", "Missing"),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            400,
            "invalid_value",
            "input[0].content[0].type",
            "Supported values are: 'output_text', 'refusal'.",
        ),
        ({"input": [OUTPUT]}, 400, None, "input", "No tool call found for function call output"),
        ({"input": [CALL]}, 400, None, "input", "No tool output found for function call call_1."),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, 404, None, "input", "with id 'msg_1'"),
        ({"input": [{"type": "reasoning", "id": "rs_1"}]}, 404, None, "input", "'rs_1' not"),
        (
            {"input": [{"role": "user", "content": "x"},
                       {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAother"}]},
            400, "invalid_encrypted_content", None, "The encrypted content gAAA...ther could not be",
        ),
        (
            {"previous_response_id": "resp_1"},
            400, "previous_response_not_found", "previous_response_id", "'resp_1' not found.",
        ),
        ({"conversation": "conv_1"}, 404, None, None, "Conversation with id 'conv_1' not found."),
        ({"prompt": {"id": "pmpt_1"}}, 404, None, None, "Prompt with id 'pmpt_1' not found."),
        ({"max_output_tokens": 15}, 400, "integer_below_min_value", "max_output_tokens", ">= 16"),
        ({"messages": []}, 400, None, None, "Unrecognized request argument supplied: messages"),
        ({"include": ["poems"]}, 400, "invalid_value", "include[0]", "Invalid value: 'poems'."),
        ({"background": True, "store": False}, 400, "unsupported_value", "background", "'store'"),
        ({"text": {"format": {"type": "json_object"}}}, 400, "unsupported_value", "input", "word 'json'"),
        ({"tool_choice": {"type": "custom", "name": "x"}}, 400, "unsupported_value", "tool_choice", "'x'"),
        ({"tool_choice": {"type": "mcp"}}, 400, "unsupported_value", "tool_choice.type", "runs no tools"),
        ({"stream_options": {}}, 400, "unsupported_value", "stream_options", "only allowed when 'stream'"),
        (
            {"model": "gpt-4o", "reasoning": {"effort": "low"}},
            400, "unsupported_parameter", "reasoning.effort", "not supported with this model.",
        ),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_in_openais_words(
    body: dict[str, Any], status: int, code: str | None, param: str | None, words: str
) -> None:
    problem = refused(**body)
    assert (problem.status, problem.type, problem.code) == (status, "invalid_request_error", code)
    assert problem.param == param
    assert words in problem.message


def test_tools_that_may_be_called_are_those_allowed_and_all_are_in_the_prompt() -> None:
    sql = {"type": "custom", "name": "write_sql"}
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [sql]}
    request, free = asked(tools=TOOLS, tool_choice=allowed), asked(tools=TOOLS)
    assert ([tool.name for tool in request.tools], request.tool_choice) == (["write_sql"], "required")
    assert [tool.free_text for tool in free.tools] == [False, True]
    assert shown(request) == shown(free)
    assert request.messages[0].text.count("\n") == 2
    named = asked(tools=TOOLS, tool_choice=sql)
    assert named.tool_choice == "write_sql"


def test_a_text_format_is_the_schema_of_the_reply() -> None:
    form = {"type": "json_schema", "name": "forecast", "schema": SCHEMA, "strict": True}
    assert asked(text={"format": form}).json_schema == SCHEMA
    assert asked(input="As json", text={"format": {"type": "json_object"}}).json_schema == {}
    assert asked(text={"format": {"type": "text"}}).json_schema is None


def stored(*items: Json) -> Known:
    """An earlier response `resp_1` of these items."""
    return Known(lambda id_: next((item for item in items if item.get("id") == id_), None), lambda _: items)


SAID: Json = {"type": "output_text", "annotations": [], "logprobs": [], "text": "One."}
ANSWER: Json = {
    "type": "message",
    "id": "msg_9",
    "role": "assistant",
    "status": "completed",
    "content": [SAID],
}
FIRST: Json = {"type": "message", "role": "user", "content": "Count."}


def test_a_stored_conversation_is_the_same_request_as_the_whole_of_it() -> None:
    known = stored(FIRST, ANSWER)
    again = {"type": "message", "role": "user", "content": "On."}
    by_id = asked(known, previous_response_id="resp_1", input=[again])
    whole = asked(input=[FIRST, {**ANSWER, "id": "msg_other"}, again], store=False)
    plain = asked(input=[{"role": "user", "content": [{"type": "input_text", "text": "Count."}]},
                         {"role": "assistant", "content": "One."}, again])  # fmt: skip
    referring = asked(known, input=[FIRST, {"type": "item_reference", "id": "msg_9"}, again])
    for same in (whole, referring, plain):
        assert (shown(same), same.digest) == (shown(by_id), by_id.digest)
    assert by_id.digest != asked(input=[FIRST, ANSWER, {**again, "content": "Off."}]).digest


def test_labels_do_not_change_the_reply_and_the_instructions_do() -> None:
    labels: dict[str, Any] = {
        "metadata": {"a": "b"},
        "user": "u",
        "stream": True,
        "prompt_cache_key": "k",
        "background": True,
    }
    assert asked(**labels).digest == asked().digest
    assert asked(instructions="Be brief.").digest != asked().digest
    assert asked(temperature=0.5).digest != asked().digest
