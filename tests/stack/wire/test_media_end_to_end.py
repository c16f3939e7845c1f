"""Images and files over the gateway and the mock providers, whichever provider answers."""

from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.media.media import Media
from harness.stack.core.request import Message
from harness.stack.gateway.fields import BadRequest
from harness.stack.gateway.messages import read_messages
from harness.stack.wire.conversation import pieces_of
from harness.stack.wire.openai.content import content_of
from mock_providers import load_profile
from tests.lab.lab import Lab, play
from tests.mock_providers.media.files import coded, data_url, jpeg, pdf, png, wav

PROFILE = load_profile("typical")
GPT = {"provider": "openai", "model": "gpt-4o"}
CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
LLAMA = {"provider": "together", "model": "llama-3-70b"}
JSON = dict[str, Any]


def image(data: bytes, **more: str) -> JSON:
    return {"type": "image_url", "image_url": {"url": data_url(data), **more}}


def parts(*media: JSON) -> list[JSON]:
    return [{"role": "user", "content": [{"type": "text", "text": "See, in about 5 tokens"}, *media]}]


JPEG = {"type": "image_url", "image_url": {"url": data_url(jpeg(1000, 1000), "image/jpeg")}}
FILE = {"type": "file", "file": {"filename": "a.pdf", "file_data": data_url(pdf(1), "application/pdf")}}
TEXT_FILE = {"type": "file", "file": {"filename": "a.txt", "file_data": data_url(b"x" * 40, "text/plain")}}


@pytest.mark.parametrize(
    ("target", "media", "tokens"),
    [
        (GPT, image(png(1024, 1024)), 765),
        (GPT, image(png(1024, 1024), detail="low"), 85),
        (CLAUDE, JPEG, 1334),
        (GPT, FILE, 1265),
        (CLAUDE, FILE, 3102),  # its title counts
        (CLAUDE, TEXT_FILE, 12),
    ],
    ids=["gpt", "gpt-low", "claude", "gpt-pdf", "claude-pdf", "claude-text"],
)
def test_media_reach_the_provider_and_are_billed(target: JSON, media: JSON, tokens: int) -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            messages = parts(media)
            with_media = await client.chat.completions.create(model="m", messages=messages)  # type: ignore[arg-type]
            words = [{"role": "user", "content": "See, in about 5 tokens"}]
            plain = await client.chat.completions.create(model="m", messages=words)  # type: ignore[arg-type]
        assert with_media.usage is not None
        assert plain.usage is not None
        assert with_media.usage.prompt_tokens - plain.usage.prompt_tokens == tokens
        lab.assert_paid_exactly()

    play(scene, profile=PROFILE, target=[target])


def test_a_target_that_does_not_take_images_is_passed_over() -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            messages = parts(image(png(9, 9)))
            await client.chat.completions.create(model="m", messages=messages)  # type: ignore[arg-type]
        assert [attempt.provider for attempt in lab.facts[-1].attempts] == ["openai"]

    play(scene, profile=PROFILE, target=[LLAMA, GPT], cost={"unknown": "estimate"})


def test_without_a_target_that_takes_it_the_client_learns_why() -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            sound = {"type": "input_audio", "input_audio": {"data": coded(wav(1.0)), "format": "wav"}}
            with pytest.raises(openai.BadRequestError, match="gpt-4o takes no audio input"):
                await client.chat.completions.create(model="m", messages=parts(sound))  # type: ignore[arg-type]

    play(scene, profile=PROFILE, target=[GPT])


@pytest.mark.parametrize("target", [GPT, CLAUDE], ids=["gpt", "claude"])
def test_media_in_a_tools_result_reach_every_provider(target: JSON) -> None:
    """OpenAI takes them in a user's turn alone, where the stack puts them; Anthropic in the result."""
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    picture = {"type": "image_url", "image_url": {"url": data_url(png(1024, 1024))}}
    messages = [
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "Here"}, picture]},
    ]
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]

    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            asked: JSON = {"model": "m", "messages": messages, "tools": tools}
            reply: Any = await client.chat.completions.create(**asked)
        assert reply.choices[0].finish_reason in ("stop", "length")
        assert reply.usage.prompt_tokens > 700

    play(scene, profile=PROFILE, target=[target])


def test_other_images_are_other_answers_to_the_cache() -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            for data in (png(9, 9), png(9, 10), png(9, 9)):
                asked: JSON = {"model": "m", "messages": parts(image(data)), "temperature": 0}
                await client.chat.completions.create(**asked)
        assert [fact.cache for fact in lab.facts] == ["miss", "miss", "exact"]

    play(scene, profile=PROFILE, target=[GPT], cache={})


TEXTS = st.text("ab ", max_size=4)
CONTENT = st.lists(
    TEXTS.map(lambda text: {"type": "text", "text": text}) | st.just(image(png(1, 1))), max_size=6
)


@given(CONTENT)
def test_text_and_media_keep_their_order(content: list[JSON]) -> None:
    [message] = read_messages([{"role": "user", "content": content}])
    written = content_of(message)
    if isinstance(written, str):
        assert written == "".join(part["text"] for part in content)
        return
    assert joined(written) == joined(content)


def joined(content: list[JSON]) -> list[Any]:
    """The parts, neighbouring texts joined and empty ones left out."""
    made: list[Any] = []
    for part in content:
        if part["type"] != "text":
            made.append(part)
        elif part["text"] and made and isinstance(made[-1], str):
            made[-1] += part["text"]
        elif part["text"]:
            made.append(part["text"])
    return made


@given(TEXTS, st.lists(st.integers(0, 9), max_size=3))
def test_media_survive_a_content_that_was_shortened(text: str, places: list[int]) -> None:
    media = tuple(Media("image", "https://a.example", at=at) for at in places)
    pieces = list(pieces_of(Message("user", text, media=media)))
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == text
    assert [piece for piece in pieces if isinstance(piece, Media)] == list(media)


PART = "messages[0].content[0]"


@pytest.mark.parametrize(
    ("kind", "holder", "param"),
    [
        ("image_url", None, ".image_url"),
        ("image_url", {"url": "ftp://a"}, ".image_url.url"),
        ("image_url", {"url": "https://a", "detail": "x"}, ".image_url.detail"),
        ("image_url", {"url": "https://a", "size": 5}, ".image_url.size"),
        ("input_audio", {"data": "x", "format": "ogg"}, ".input_audio.format"),
        ("file", {"filename": "a"}, ".file.file_data"),
        ("video_url", {"url": "https://a"}, ""),
    ],
)
def test_a_bad_part_is_refused_by_its_name(kind: str, holder: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_messages([{"role": "user", "content": [{"type": kind, kind: holder}]}])
    assert caught.value.param == PART + param
