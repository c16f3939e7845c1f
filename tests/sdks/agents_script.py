"""Runs the OpenAI Agents SDK: `python -m tests.sdks.agents_script BASE_URL` prints its findings as JSON."""

import asyncio
import json
import sys

from agents import (  # type: ignore[import-not-found]  # in an environment of its own
    Agent,
    ModelSettings,
    Runner,
    SQLiteSession,
    function_tool,
    set_default_openai_client,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from openai.types.shared import Reasoning
from pydantic import BaseModel


class Forecast(BaseModel):
    """The output of an agent."""

    city: str
    days: int


@function_tool  # type: ignore[untyped-decorator]
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"Rain in {city}."


def report(what: str, value: object) -> None:
    """Print one finding."""
    sys.stdout.write(json.dumps({what: value}) + "\n")


async def main(url: str) -> None:
    """A run with a tool, the same streamed, structured output, a session, a hand-off, reasoning."""
    set_default_openai_client(AsyncOpenAI(base_url=url, api_key="k", max_retries=0))
    set_tracing_disabled(True)
    weather = Agent(name="weather", instructions="Help.", tools=[get_weather], model="gpt-4o")
    asked = "What is the weather in Oslo?"
    run = await Runner.run(weather, asked)
    report("run", [type(item).__name__ for item in run.new_items])
    streamed = Runner.run_streamed(weather, asked)
    report("events", sum([1 async for _ in streamed.stream_events()]) > 10 and bool(streamed.final_output))
    output = await Runner.run(Agent(name="s", output_type=Forecast, model="gpt-4o"), "Tell")
    report("output", isinstance(output.final_output, Forecast))
    session = SQLiteSession("one")
    for text in (asked, "And tomorrow?"):
        await Runner.run(weather, text, session=session)
    report("session", len(await session.get_items()))
    first = await Runner.run(weather, "Hello")
    second = await Runner.run(weather, "And on?", previous_response_id=first.last_response_id)
    report("continued", bool(second.final_output))
    other = Agent(name="other", handoffs=[weather], model="gpt-4o")
    report("hand-off", (await Runner.run(other, "transfer this")).last_agent.name)
    settings = ModelSettings(
        reasoning=Reasoning(effort="low", summary="auto"),
        store=False,
        response_include=["reasoning.encrypted_content"],
    )
    thinker = weather.clone(model="gpt-5-mini", model_settings=settings)
    report("reasoning", [type(item).__name__ for item in (await Runner.run(thinker, asked)).new_items])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
