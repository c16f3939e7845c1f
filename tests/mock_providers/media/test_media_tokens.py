"""Sizes from the first bytes, and tokens by the rules that the providers publish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers.exchange.media import anthropic_tokens, gemini_tokens, openai_tokens
from mock_providers.exchange.media.headers import DEFAULT_SIZE, Size, is_image, pages_of, seconds_of, size_of
from mock_providers.exchange.media.models import media_of
from tests.mock_providers.media.files import gif, jpeg, pdf, png, wav, webp

SIDES = st.integers(1, 16_000)


@given(SIDES, SIDES)
def test_the_size_is_read_from_the_header_of_every_format(width: int, height: int) -> None:
    made = [png(width, height), gif(width, height), jpeg(width, height), webp(width, height)]
    made += [webp(width, height, b"VP8L"), webp(width, height, b"VP8 ")]
    for data in made:
        assert is_image(data)
        assert size_of(data) == Size(width, height)


@given(SIDES, st.binary(max_size=60), st.integers(0, 40))
def test_any_bytes_have_a_size_that_can_be_counted(side: int, rest: bytes, cut: int) -> None:
    for data in (
        png(side, side)[:cut],
        jpeg(side, side)[:cut],
        webp(side, side)[:cut],
        rest,
        b"\xff\xd8" + rest,
    ):
        size = size_of(data)
        assert min(size) >= 1
        assert openai_tokens.image_tokens("gpt-4o", size) > 0
        assert anthropic_tokens.image_tokens(size) > 0
        assert gemini_tokens.image_tokens(size) > 0
    assert size_of(b"") == DEFAULT_SIZE


def test_seconds_and_pages() -> None:
    assert seconds_of(wav(2.5)) == 2.5
    assert seconds_of(b"ID3" + bytes(15_997)) == 1.0
    assert [pages_of(pdf(pages)) for pages in (1, 7)] == [1, 7]
    assert pages_of(b"%PDF-1.5 with compressed objects") == 1


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        # The examples of platform.openai.com/docs/guides/images-vision#calculating-costs.
        ("gpt-4o", (1024, 1024), "high", 765),
        ("gpt-4o-2024-08-06", (2048, 4096), "high", 1105),
        ("gpt-4.1", (4096, 8192), "low", 85),
        ("gpt-4o", (1024, 1024), "auto", 765),
        ("gpt-4o-mini", (1024, 1024), "high", 2833 + 4 * 5667),
        ("gpt-5", (1024, 1024), "high", 70 + 4 * 140),
        ("gpt-5-chat-latest", (10, 10), "high", 70 + 140),
        ("o3", (10, 10), "low", 75),
        ("o4-mini", (1024, 1024), "high", 1762),  # 1,024 patches at 1.72
        ("gpt-4.1-mini", (1800, 2400), "high", 2353),  # 1,452 patches at 1.62
        ("gpt-5-nano-2025-08-07", (1024, 1024), "low", 2520),
        ("Qwen/Qwen2.5-VL-72B-Instruct", (280, 560), "auto", 200),
        ("meta-llama/Llama-4-Scout", (1120, 500), "auto", 3202),
    ],
)
def test_openai_counts_tiles_or_patches(model: str, size: tuple[int, int], detail: str, tokens: int) -> None:
    assert openai_tokens.image_tokens(model, Size(*size), detail) == tokens


@given(SIDES, SIDES, st.sampled_from(["gpt-4o", "gpt-5", "gpt-5-mini", "o4-mini"]))
def test_no_image_costs_more_than_the_cap_of_its_rule(width: int, height: int, model: str) -> None:
    tokens = openai_tokens.image_tokens(model, Size(width, height))
    assert (
        tokens <= {"gpt-4o": 85 + 8 * 170, "gpt-5": 70 + 8 * 140, "gpt-5-mini": 2489, "o4-mini": 2642}[model]
    )
    assert anthropic_tokens.image_tokens(Size(width, height)) <= 1600


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((200, 200), 54), ((1000, 1000), 1334), ((1092, 1092), 1590), ((4000, 4000), 1600), ((3136, 100), 105)],
)
def test_anthropic_counts_pixels(size: tuple[int, int], tokens: int) -> None:
    """The table of platform.claude.com/docs/en/build-with-claude/vision, rounded up."""
    assert anthropic_tokens.image_tokens(Size(*size)) == tokens


def test_gemini_counts_tiles_pages_and_seconds() -> None:
    assert gemini_tokens.image_tokens(Size(384, 384)) == 258
    assert gemini_tokens.image_tokens(Size(385, 20)) == 258
    assert gemini_tokens.image_tokens(Size(1537, 768)) == 3 * 258
    assert gemini_tokens.image_tokens(Size(4000, 4000), "MEDIA_RESOLUTION_LOW") == 64
    assert gemini_tokens.document_tokens(3) == 774
    assert (gemini_tokens.audio_tokens(60.0), gemini_tokens.video_tokens(10.0)) == (1920, 2630)
    assert openai_tokens.audio_tokens(2.5) == 25


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        ("gpt-4o", ("image", "document")),
        ("gpt-4o-audio-preview", ("audio",)),
        ("gpt-3.5-turbo", ()),
        ("gpt-4", ()),
        ("gpt-4-turbo", ("image", "document")),
        ("o3-mini", ()),
        ("claude-sonnet-4-5", ("image", "document")),
        ("gemini-2.5-flash", ("image", "audio", "video", "document")),
        ("llama-3-70b", ()),
        ("meta-llama/Llama-3.2-90B-Vision-Instruct", ("image",)),
        ("Qwen/Qwen2.5-VL-72B-Instruct", ("image",)),
        ("deepseek-chat", ()),
        ("a-model-of-mine", ("image", "audio", "video", "document")),
    ],
)
def test_a_models_id_tells_which_media_it_takes(model: str, kinds: tuple[str, ...]) -> None:
    assert media_of(model) == kinds
