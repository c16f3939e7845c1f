"""Uploads, the file store, and paged lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers.batches.files import FileStore, StoredFile
from mock_providers.exchange.bad_field import BadField
from mock_providers.exchange.received import Received
from mock_providers.wire.multipart import read_form
from mock_providers.wire.openai.files import page_of_files, read_upload
from mock_providers.wire.pages import page_after, page_before

TYPE = 'multipart/form-data; boundary="cut here"'


def form(*parts: tuple[str, bytes]) -> bytes:
    sections = [
        b"--cut here\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (d.encode(), c) for d, c in parts
    ]
    return b"".join(sections) + b"--cut here--\r\n"


@given(st.binary())
def test_any_bytes_survive_an_upload(content: bytes) -> None:
    if b"\r\n--cut here" in b"\r\n" + content:
        return
    parts = read_form(
        TYPE, form(('name="purpose"', b"batch"), ('name="file"; filename="a b.jsonl"', content))
    )
    assert parts["file"] == (content, "a b.jsonl")
    assert parts["purpose"] == (b"batch", None)


@given(st.binary(), st.text(max_size=60))
def test_what_is_no_form_is_refused_in_words(body: bytes, content_type: str) -> None:
    if content_type != TYPE and b"--cut here" not in body:
        for kind in (TYPE, content_type):
            with pytest.raises(BadField):
                read_form(kind, body)


def test_a_form_that_is_cut_off_is_refused() -> None:
    whole = form(('name="file"; filename="a"', b"x"))
    with pytest.raises(BadField):
        read_form(TYPE, whole[:-6])


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([('name="purpose"', b"batch")], "file"),
        ([('name="file"; filename="a"', b"")], "purpose"),
        ([('name="file"; filename="a"', b""), ('name="purpose"', b"fun")], "purpose"),
        ([('name="file"', b""), ('name="purpose"', b"batch")], "file"),
    ],
)
def test_an_upload_needs_a_named_file_and_a_known_purpose(parts: list[tuple[str, bytes]], field: str) -> None:
    received = Received("POST", "/v1/files", {b"content-type": TYPE.encode()}, {}, form(*parts))
    with pytest.raises(BadField) as raised:
        read_upload(received)
    assert raised.value.path == (field,)


def stored(nth: int, purpose: str = "batch") -> StoredFile:
    return StoredFile(f"file-{nth}", f"{nth}.jsonl", purpose, b"x" * nth, float(nth))


def test_files_are_listed_newest_first_by_purpose_and_in_pages() -> None:
    files = [stored(nth, "batch" if nth % 2 else "user_data") for nth in range(6)]

    def listed(**query: str) -> tuple[list[str], bool]:
        page = page_of_files(files, Received("GET", "/v1/files", {}, query))
        return [file.id for file in page.items], page.has_more

    assert listed(purpose="batch") == (["file-5", "file-3", "file-1"], False)
    assert listed(limit="2") == (["file-5", "file-4"], True)
    assert listed(limit="2", after="file-2") == (["file-1", "file-0"], False)
    assert listed(order="asc", limit="1") == (["file-0"], True)
    for bad in ({"limit": "0"}, {"limit": "x"}, {"limit": "10001"}, {"order": "up"}):
        with pytest.raises(BadField):
            listed(**bad)


@given(st.lists(st.integers(), unique=True), st.integers(1, 5))
def test_pages_put_together_are_the_list_in_both_directions(items: list[int], limit: int) -> None:
    forth: list[int] = []
    more = True
    while more:
        page = page_after(items, str, str(forth[-1]) if forth else None, limit)
        forth += page.items
        more = page.has_more
    assert forth == items
    back = items[-1:]
    more = bool(items)
    while more:
        page = page_before(items, str, str(back[0]), limit)
        back = [*page.items, *back]
        more = page.has_more
    assert back == items


def test_a_store_gives_back_the_room_of_what_is_deleted_or_replaced() -> None:
    files = FileStore(most_bytes=10)
    files.put(stored(8))
    assert (files.has_room_for(2), files.has_room_for(3)) == (True, False)
    files.put(stored(8))
    assert files.has_room_for(2)
    assert files.delete("file-8")
    assert not files.delete("file-8")
    assert files.has_room_for(10)
    assert files.get("file-8") is None
