"""Values under durable keys outlive the process, whenever it ends."""

import asyncio
import os
from itertools import groupby
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.stack.core.errors import ConfigError
from harness.stack.state import durable
from harness.stack.state.durable import DurableBackend


class Sum(NamedTuple):
    total: int
    open: int = 0


def restored(fields: list[Any]) -> Sum:
    total, opened = fields
    return Sum(total + opened)


def backend(path: Path) -> DurableBackend:
    return DurableBackend(path, {"kept/": restored}, sync_s=0.01)


def put(value: Sum) -> Any:
    return lambda known: (value, known)


CHANGES = st.lists(
    st.tuples(st.sampled_from(["kept/a", "kept/b", "other"]), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=CHANGES, lost=st.integers(0, 60), most=st.integers(1, 5))
def test_whenever_the_process_ends_every_whole_line_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[Any], lost: int, most: int
) -> None:
    """The file is cut at any byte of a line appended last; a file written anew appears as a whole."""
    monkeypatch.setattr(durable, "MOST_LINES", most)
    path = tmp_path / "state.jsonl"
    path.unlink(missing_ok=True)

    async def played() -> tuple[list[dict[str, Sum]], bytes, int]:
        states: list[dict[str, Sum]] = [{}]
        with backend(path) as kept:
            for n, (key, total, opened) in enumerate(changes):
                if n % 2:
                    kept.post(key, put(Sum(total, opened)))
                else:
                    await kept.update(key, put(Sum(total, opened)))
                states.append(states[-1] | ({key: Sum(total, opened)} if key != "other" else {}))
            return states, path.read_bytes(), kept._lines  # as a killed process leaves it

    states, content, appended = asyncio.run(played())
    cut = lost % len(content.splitlines(keepends=True)[-1]) if appended else 0
    path.write_bytes(content[: len(content) - cut])
    distinct = [state for state, _ in groupby(states)]
    expected = distinct[-2] if cut else states[-1]
    with backend(path) as again:
        found = {key: again.peek(key) for key in ("kept/a", "kept/b", "other")}
    settled = {key: Sum(sum(value)) for key, value in expected.items()}
    assert {key: value for key, value in found.items() if value is not None} == settled


def test_a_line_that_is_no_state_is_refused_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    for bad in (b"nonsense", b"{}", b'["kept/a", [1]]', b'["strange", [1, 2]]', b"[1, 2]", b"\xff"):
        path.write_bytes(b'["kept/a", [1, 2]]\n' + bad + b"\n")
        with pytest.raises(ConfigError, match=r"state\.jsonl: line 2: expected a line such as") as error:
            backend(path)
        assert "\n" not in str(error.value)


def test_a_file_in_use_or_out_of_reach_is_refused_in_one_line(tmp_path: Path) -> None:
    with backend(tmp_path / "state.jsonl"), pytest.raises(ConfigError, match="another process has it open"):
        backend(tmp_path / "state.jsonl")
    backend(tmp_path / "state.jsonl").close()
    for path in (tmp_path, tmp_path / "absent" / "state.jsonl"):
        with pytest.raises(ConfigError, match="expected a file that can be read and written"):
            backend(path)


async def test_changes_reach_the_disk_soon_and_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with backend(tmp_path / "state.jsonl") as kept:
        opened = len(synced)
        for n in range(5):
            kept.post("kept/a", put(Sum(n)))
        assert len(synced) == opened
        await asyncio.sleep(0.05)
        assert len(synced) == opened + 1
        await asyncio.sleep(0.05)
        assert len(synced) == opened + 1


class FullDisk:
    """A file that takes half a line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, line: bytes) -> int:
        return self._file.write(line[: len(line) // 2])

    def close(self) -> None:
        self._file.close()


async def test_a_full_disk_refuses_new_changes_and_loses_no_settled_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.jsonl"
    kept = backend(path)
    await kept.update("kept/a", put(Sum(1)))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    assert kept._file is not None
    kept._file = FullDisk(kept._file)  # type: ignore[assignment]
    with pytest.raises(OSError, match="disk is full"):
        await kept.update("kept/a", put(Sum(2)))
    assert kept.peek("kept/a") == Sum(1)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        kept.post("kept/b", put(Sum(3)))
    assert kept.peek("kept/b") == Sum(3)
    assert path.read_bytes().count(b"\n") == 1  # and half a line
    await kept.update("kept/a", put(Sum(4)))
    kept.close()
    with backend(path) as again:
        assert (again.peek("kept/a"), again.peek("kept/b")) == (Sum(4), Sum(3))
