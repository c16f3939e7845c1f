"""The SSE parser survives any split of the bytes."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.errors import ProviderError
from harness.stack.wire.sse import ServerSentEvent, SSEParser, one_by_one

LINE = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=12)
EVENT = st.tuples(st.sampled_from(["", "message", "ping"]), st.lists(LINE, min_size=1, max_size=3))
END = st.sampled_from(["\n", "\r\n", "\r"])


def written(events: list[tuple[str, list[str]]], end: str) -> bytes:
    text = ""
    for name, lines in events:
        text += f"event: {name}{end}" if name else f": a comment{end}"
        text += "".join(f"data: {line}{end}" for line in lines) + end
    return text.encode()


def expected(events: list[tuple[str, list[str]]]) -> list[ServerSentEvent]:
    """Events without data are not dispatched."""
    texts = [(name, "\n".join(lines)) for name, lines in events]
    return [ServerSentEvent(name.encode(), text.encode()) for name, text in texts if text]


@given(st.lists(EVENT, max_size=5), END, st.lists(st.integers(0, 400), max_size=8), st.booleans())
def test_any_split_gives_the_same_events(
    events: list[tuple[str, list[str]]], end: str, cuts: list[int], bom: bool
) -> None:
    data = (b"\xef\xbb\xbf" if bom else b"") + written(events, end)
    parser = SSEParser()
    seen: list[ServerSentEvent] = []
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, stop in pairwise(bounds):
        seen += parser.feed(data[start:stop])
    assert seen == expected(events)


@given(st.lists(EVENT, min_size=1, max_size=3), END)
def test_byte_by_byte_is_no_different(events: list[tuple[str, list[str]]], end: str) -> None:
    parser = SSEParser()
    data = written(events, end)
    seen = [event for n in range(len(data)) for event in parser.feed(data[n : n + 1])]
    assert seen == expected(events)


@given(st.lists(EVENT, max_size=5), END)
def test_one_by_one_each_part_completes_an_event_and_none_is_missing(
    events: list[tuple[str, list[str]]], end: str
) -> None:
    parser = SSEParser()
    parts = one_by_one(written(events, end))
    assert b"".join(parts) == written(events, end)
    assert [parser.feed(part) for part in parts if part] == [expected([event]) for event in events]


def test_an_event_without_its_blank_line_never_comes() -> None:
    assert SSEParser().feed(b"data: half\n") == []


def test_only_the_first_space_after_the_colon_is_dropped() -> None:
    assert SSEParser().feed(b"data:  x\n\ndata:y\n\n") == [(b"", b" x"), (b"", b"y")]


@pytest.mark.parametrize("sent", [b"data:\n\n", b"data: \n\n", b"data\n\n", b"event: ping\ndata:\n\n"])
def test_an_event_without_data_is_not_dispatched(sent: bytes) -> None:
    """The standard's rule; a proxy may keep the connection open so."""
    assert SSEParser().feed(sent + b"data: x\n\n") == [(b"", b"x")]
    assert SSEParser().feed(sent) == []


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_no_bytes_make_it_raise_anything_but_a_provider_error(chunks: list[bytes]) -> None:
    parser = SSEParser()
    for chunk in chunks:
        with suppress(ProviderError):
            parser.feed(chunk)


def test_a_chunk_that_lost_its_field_name_is_not_lost_in_silence() -> None:
    with pytest.raises(ProviderError, match="no known field"):
        SSEParser().feed(b'{"choices":[]}\ndata: {"choices":[]}\n\n')
