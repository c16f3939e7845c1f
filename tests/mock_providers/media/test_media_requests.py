"""Requests with images, recordings and documents: counted, or refused in the provider's words."""

import json
from typing import Any

import pytest

from mock_providers import MockApp, load_profile
from mock_providers.wire.openai.request import read_request
from tests.mock_providers.media.files import coded, data_url, gif, jpeg, pdf, png, wav

JSON = dict[str, Any]
IMAGE = png(1024, 1024)
HEADERS = [(b"authorization", b"Bearer k"), (b"anthropic-version", b"2026-10-21"), (b"x-goog-api-key", b"k")]


async def post(provider: str, path: str, body: JSON) -> tuple[int, JSON]:
    sent: list[Any] = []

    async def receive() -> JSON:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(part: Any) -> None:
        sent.append(part)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": HEADERS}
    await MockApp(load_profile("unpaced"), seed=1).provider(provider)(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(part.get("body", b"") for part in sent))


async def openai(parts: list[Any], model: str = "gpt-4o", **more: Any) -> tuple[int, JSON]:
    messages = [{"role": "user", "content": parts}]
    return await post("openai", "/v1/chat/completions", {"model": model, "messages": messages, **more})


async def anthropic(blocks: list[Any], *more: Any) -> tuple[int, JSON]:
    messages = [*more, {"role": "user", "content": blocks}]
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages}
    return await post("anthropic", "/v1/messages", body)


async def gemini(parts: list[Any], **more: Any) -> tuple[int, JSON]:
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    return await post("gemini", path, {"contents": [{"parts": parts}], **more})


TEXT = {"type": "text", "text": "See"}  # one token, and seven for message and request


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        ({"type": "image_url", "image_url": {"url": data_url(IMAGE)}}, 765),
        ({"type": "image_url", "image_url": {"url": data_url(gif(100, 50)), "detail": "high"}}, 255),
        ({"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}}, 85),
        ({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}, 765),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": data_url(pdf(2), "application/pdf")}},
            2530,
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, 1265),
        ({"type": "file", "file": {"filename": "a.txt", "file_data": data_url(b"x" * 40, "text/plain")}}, 10),
    ],
)
async def test_openai_counts_parts(part: JSON, tokens: int) -> None:
    status, reply = await openai([TEXT, part])
    assert (status, reply["usage"]["prompt_tokens"]) == (200, 8 + tokens), reply


async def test_openai_counts_sound_where_the_model_takes_it() -> None:
    part = {"type": "input_audio", "input_audio": {"data": coded(wav(2.0)), "format": "wav"}}
    messages = [{"role": "user", "content": [TEXT, part]}]
    request = read_request({"model": "gpt-4o-audio-preview", "messages": messages})
    assert (request.media_tokens, request.input_tokens) == ({"audio": 20}, 28)
    status, reply = await openai([TEXT, part])
    assert status == 400
    assert (
        reply["error"]["message"] == "Invalid content type. input_audio is only supported by certain models."
    )


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "image_url", "image_url": {"url": data_url(b"no image")}}, "unsupported image"),
        ({"type": "image_url", "image_url": {"url": "ftp://a/b.png"}}, "Expected a valid URL"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,%%"}}, "Expected a valid URL"),
        ({"type": "image_url", "image_url": {"url": data_url(IMAGE), "detail": "huge"}}, "'auto', 'low'"),
        ({"type": "image_url"}, "image_url.url"),
        ({"type": "video_url", "video_url": {"url": "https://a.example"}}, "Supported values are"),
    ],
)
async def test_openai_refuses_bad_parts(part: JSON, words: str) -> None:
    status, reply = await openai([TEXT, part])
    assert status == 400
    assert words in reply["error"]["message"]


async def test_openai_takes_images_of_the_user_alone() -> None:
    image = {"type": "image_url", "image_url": {"url": data_url(IMAGE)}}
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": [image]},
    ]
    body = {"model": "gpt-4o", "messages": messages}
    status, reply = await post("openai", "/v1/chat/completions", body)
    assert (status, reply["error"]["param"]) == (400, "messages[2].content[0]")
    assert "role 'user', but this message with role 'tool'" in reply["error"]["message"]


def base64_source(data: bytes, mime: str) -> JSON:
    return {"type": "base64", "media_type": mime, "data": coded(data)}


IMAGE_BLOCK = {"type": "image", "source": base64_source(jpeg(1000, 1000), "image/jpeg")}


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        (IMAGE_BLOCK, 1334),
        ({"type": "image", "source": {"type": "url", "url": "https://a.example/b.jpg"}}, 1399),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, 1399),
        ({"type": "document", "source": base64_source(pdf(2), "application/pdf")}, 6200),
        ({"type": "document", "title": "abcd", "source": {"type": "text", "data": "x" * 40}}, 11),
        ({"type": "document", "source": {"type": "content", "content": [TEXT, IMAGE_BLOCK]}}, 1335),
        ({"type": "document", "source": {"type": "content", "content": "x" * 40}}, 10),
    ],
)
async def test_anthropic_counts_blocks(block: JSON, tokens: int) -> None:
    status, reply = await anthropic([TEXT, block])
    assert (status, reply.get("usage", {}).get("input_tokens")) == (200, 8 + tokens), reply


async def test_anthropic_counts_media_in_results_and_answers_after_them() -> None:
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    before = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [use]}]
    result = {"type": "tool_result", "tool_use_id": "t"}
    _, words = await anthropic([{**result, "content": "See"}], *before)
    status, both = await anthropic([{**result, "content": [TEXT, IMAGE_BLOCK]}], *before)
    assert (status, both["stop_reason"]) == (200, words["stop_reason"])
    assert both["usage"]["input_tokens"] == words["usage"]["input_tokens"] + 1334


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "image", "source": base64_source(b"no image", "image/png")}, "Could not process image"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "%"}}, "base64"),
        ({"type": "image", "source": base64_source(IMAGE, "image/tiff")}, "media_type"),
        ({"type": "image"}, "source: Field required"),
        ({"type": "document", "source": {"type": "page"}}, "type"),
    ],
)
async def test_anthropic_refuses_bad_blocks(block: JSON, words: str) -> None:
    status, reply = await anthropic([TEXT, block])
    assert status == 400
    assert words in reply["error"]["message"]


def inline(data: bytes, mime: str) -> JSON:
    return {"inlineData": {"mimeType": mime, "data": coded(data)}}


@pytest.mark.parametrize(
    ("part", "kind", "tokens"),
    [
        (inline(png(300, 300), "image/png"), "IMAGE", 258),
        (inline(IMAGE, "image/png"), "IMAGE", 4 * 258),
        (inline(wav(60.0), "audio/wav"), "AUDIO", 1920),
        (inline(pdf(3), "application/pdf"), "DOCUMENT", 774),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": "https://a.example/v"}}, "VIDEO", 2630),
        ({"inline_data": {"mime_type": "image/gif", "data": coded(gif(9, 9))}}, "IMAGE", 258),
    ],
)
async def test_gemini_counts_parts_by_modality(part: JSON, kind: str, tokens: int) -> None:
    status, reply = await gemini([{"text": "See"}, part])
    assert status == 200, reply
    usage = reply["usageMetadata"]
    assert usage["promptTokenCount"] == 8 + tokens
    assert usage["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 8},
        {"modality": kind, "tokenCount": tokens},
    ]


async def test_gemini_counts_by_the_media_resolution() -> None:
    config = {"mediaResolution": "MEDIA_RESOLUTION_LOW"}
    _, reply = await gemini([inline(IMAGE, "image/png")], generationConfig=config)
    assert reply["usageMetadata"]["promptTokensDetails"][1] == {"modality": "IMAGE", "tokenCount": 64}


async def test_a_text_model_refuses_media() -> None:
    image = {"type": "image_url", "image_url": {"url": data_url(IMAGE)}}
    body = {"model": "llama-3-70b", "messages": [{"role": "user", "content": [TEXT, image]}]}
    status, reply = await post("together", "/v1/chat/completions", body)
    assert status == 400
    assert reply["error"]["message"] == "Invalid content type. image_url is only supported by certain models."
