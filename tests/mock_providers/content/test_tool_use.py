"""The tools that a reply calls, and the content of JSON replies."""

from collections.abc import Mapping
from typing import Any

import jsonschema
import orjson
import pytest

from mock_providers import Catalogue, Question
from mock_providers.content.answers import GeneratedChoice, generate
from mock_providers.content.options import Accuracy, ReplyLength
from mock_providers.exchange import tokens
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.request import Message, Request, Tool

FORECAST = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = Tool("get_weather", FORECAST)
TIDES = Tool(
    "readTides", {"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]}
)
CLOCK = Tool("read_clock", {})
ALL = (WEATHER, TIDES, CLOCK)
CAPITAL = Question(
    id="q1", question="What is the capital of France?", answer="Paris", wrong=("Lyon",), difficulty="easy"
)
PROMPT = "Question: What is the capital of France?"
KNOWN = Catalogue([CAPITAL])


def ask(
    text: str, *, seed: int = 0, right: float = 1.0, after: tuple[Message, ...] = (), **given: Any
) -> GeneratedChoice:
    accuracy = Accuracy(easy=right, medium=right, hard=right, hallucinated=0.0)
    request = Request("m", (Message.of("user", text), *after), "d" * 16, **given)
    return generate(request, KNOWN, accuracy, ReplyLength(), 10_000, Draws(seed))


def tools_called(choice: GeneratedChoice) -> list[str]:
    return [block.name for block in choice.blocks if block.kind == "tool"]


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("What is the weather in Oslo?", ["get_weather"]),
        ("WEATHER and tides, please", ["get_weather", "readTides"]),
        ("Do you read a lot? Where can I get one?", []),  # the verbs of names name nothing
        ("Hello", []),
    ],
)
def test_a_tool_is_called_when_the_prompt_names_it(text: str, called: list[str]) -> None:
    choice = ask(text, tools=ALL)
    assert tools_called(choice) == called
    assert choice.finish == ("tool_use" if called else "stop")


def test_its_arguments_are_what_its_schema_describes() -> None:
    for seed in range(30):
        choice = ask("weather tides clock", tools=ALL, seed=seed)
        for block, tool in zip(choice.blocks, ALL, strict=True):
            jsonschema.validate(orjson.loads(block.text), dict(tool.schema))


def test_tool_choice_decides() -> None:
    assert tools_called(ask("Hello", tools=ALL, tool_choice="read_clock")) == ["read_clock"]
    assert tools_called(ask("weather", tools=ALL, tool_choice="none")) == []
    assert tools_called(ask("weather", tools=ALL, tool_choice="required")) == ["get_weather"]
    drawn = {
        name
        for seed in range(60)
        for name in tools_called(ask("Hi", tools=ALL, tool_choice="required", seed=seed))
    }
    assert drawn == {tool.name for tool in ALL}


def test_only_one_is_called_where_the_client_wants_them_one_by_one() -> None:
    assert len(tools_called(ask("weather and tides", tools=ALL, parallel_tool_calls=False))) == 1


def test_after_the_result_it_answers_in_words() -> None:
    after = (Message.of("assistant", '{"name":"get_weather"}'), Message.of("tool", "Rain."))
    assert tools_called(ask("The weather?", tools=ALL, after=after)) == []
    assert tools_called(ask("The weather?", tools=ALL, after=after, tool_choice="required")) == [
        "get_weather"
    ]


@pytest.mark.parametrize("cap", range(1, 40))
def test_a_call_that_does_not_fit_is_cut_at_max_tokens(cap: int) -> None:
    whole = ask("weather and tides", tools=ALL)
    cut = ask("weather and tides", tools=ALL, max_tokens=cap)
    length = sum(tokens.count(block.text) for block in whole.blocks)
    assert sum(tokens.count(block.text) for block in cut.blocks) == min(cap, length)
    assert cut.finish == ("tool_use" if cap >= length else "length")
    assert all(block.text for block in cut.blocks)


def in_json(schema: Mapping[str, Any], **given: Any) -> tuple[Any, GeneratedChoice]:
    choice = ask(given.pop("text", PROMPT), json_schema=schema, **given)
    [block] = choice.blocks
    return orjson.loads(block.text), choice


def test_a_reply_in_json_is_an_instance_and_says_the_answer() -> None:
    value, choice = in_json(FORECAST)
    jsonschema.validate(value, FORECAST)
    assert (value["city"], choice.answer, choice.finish) == ("The answer is Paris.", "right", "stop")
    value, choice = in_json(FORECAST, right=0.0)
    assert (value["city"], choice.answer) == ("The answer is Lyon.", "wrong")


def test_a_schema_without_room_for_the_answer_is_judged_by_nothing() -> None:
    _, choice = in_json({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    assert choice.answer == "generated"


@pytest.mark.parametrize("length", [5, 20, 500])
def test_any_object_has_the_length_that_was_asked_for(length: int) -> None:
    value, choice = in_json({}, text=f"JSON in about {length} tokens")
    assert list(value) == ["answer"]
    assert abs(tokens.count(choice.blocks[0].text) - length) <= 1
    value, choice = in_json({}, text=f"{PROMPT}\nJSON in about {length} tokens")
    assert value["answer"].startswith("The answer is Paris.")


def test_json_that_does_not_fit_is_cut_and_stop_sequences_end_it() -> None:
    choice = ask(PROMPT, json_schema=FORECAST, max_tokens=3)
    assert (len(choice.blocks[0].text), choice.finish) == (12, "length")
    choice = ask(PROMPT, json_schema=FORECAST, stop=("Paris",))
    assert (choice.blocks[0].text, choice.stop_sequence) == ('{"city":"The answer is ', "Paris")


@pytest.mark.parametrize("schema", [FORECAST, {}], ids=["schema", "any"])
@pytest.mark.parametrize("first_is_right", [True, False])
def test_json_that_one_provider_began_another_goes_on_with(
    schema: dict[str, Any], first_is_right: bool
) -> None:
    """Two models with different seeds; one is always wrong."""
    text = f"{PROMPT}\nIn about 40 tokens."
    first = ask(text, json_schema=schema, seed=1, right=float(first_is_right))
    whole = first.blocks[0].text
    for cut in range(1, len(whole)):
        after = (Message.of("assistant", whole[:cut]),)
        rest = ask(text, json_schema=schema, seed=2, right=float(not first_is_right), after=after)
        value = orjson.loads(whole[:cut] + rest.blocks[0].text)
        jsonschema.validate(value, schema)
        answer = "Paris" if rest.answer == "right" else "Lyon"
        assert f"The answer is {answer}." in whole[:cut] + rest.blocks[0].text
