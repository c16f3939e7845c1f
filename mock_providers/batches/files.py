"""Files of a provider: uploaded by clients, or written as batch results."""

from collections.abc import Sequence
from dataclasses import dataclass

_MOST_BYTES = 1024 * 1024 * 1024
"""Of all files together, to bound the memory of a mock."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file; `wall_s`: when it was stored (Unix time)."""

    id: str
    filename: str
    purpose: str
    content: bytes
    wall_s: float


class FileStore:
    """Files by id, oldest first."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._files: dict[str, StoredFile] = {}
        self._room = most_bytes
        self._uploads = 0

    def next_number(self) -> int:
        """The number of the next upload: 0, 1, 2, …"""
        self._uploads += 1
        return self._uploads - 1

    def has_room_for(self, size: int) -> bool:
        """Whether a client may store `size` more bytes."""
        return size <= self._room

    def put(self, file: StoredFile) -> None:
        """Store a file under its id."""
        self.delete(file.id)
        self._files[file.id] = file
        self._room -= len(file.content)

    def get(self, file_id: str) -> StoredFile | None:
        """The file, None when it does not exist."""
        return self._files.get(file_id)

    def delete(self, file_id: str) -> bool:
        """Delete a file; whether it existed."""
        file = self._files.pop(file_id, None)
        if file is not None:
            self._room += len(file.content)
        return file is not None

    def all(self) -> Sequence[StoredFile]:
        """All files, the oldest first."""
        return list(self._files.values())
