"""The files that clients have uploaded to a provider, and those that it wrote for them."""

from collections.abc import Sequence
from dataclasses import dataclass

_MOST_BYTES = 1024 * 1024 * 1024
"""Of all files together: a mock must not eat the machine."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file; `wall_s`: when it was stored (Unix time)."""

    id: str
    filename: str
    purpose: str
    content: bytes
    wall_s: float


class FileStore:
    """Files by their ids, in the order in which they came."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._files: dict[str, StoredFile] = {}
        self._room = most_bytes
        self._uploads = 0

    def next_number(self) -> int:
        """0, 1, 2, …: one for each upload."""
        self._uploads += 1
        return self._uploads - 1

    def has_room_for(self, size: int) -> bool:
        """Whether so many bytes more may be stored by a client."""
        return size <= self._room

    def put(self, file: StoredFile) -> None:
        """Store a file under its id."""
        self.delete(file.id)
        self._files[file.id] = file
        self._room -= len(file.content)

    def get(self, file_id: str) -> StoredFile | None:
        """The file, None when there is none."""
        return self._files.get(file_id)

    def delete(self, file_id: str) -> bool:
        """Forget a file; whether there was one."""
        file = self._files.pop(file_id, None)
        if file is not None:
            self._room += len(file.content)
        return file is not None

    def all(self) -> Sequence[StoredFile]:
        """All files, the oldest first."""
        return list(self._files.values())
