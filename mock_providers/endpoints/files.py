"""OpenAI's files: upload, list, show, read, delete."""

from ..batches.files import StoredFile
from ..exchange.request import Refused, digest_of_bytes
from ..wire.openai.files import (
    deleted_body,
    file_body,
    files_body,
    no_such_file,
    page_of_files,
    read_upload,
    storage_full,
)
from .operations import run_errand
from .provider_context import Decision, Desk, Incoming

_BYTES = b"application/octet-stream"


class UploadFile:
    """`POST /v1/files`."""

    name = "files"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Store the file."""
        return run_errand(desk, incoming, lambda: self._store(desk, incoming))

    def _store(self, desk: Desk, incoming: Incoming) -> bytes:
        upload = read_upload(incoming.received)
        if not desk.files.has_room_for(len(upload.content)):
            raise Refused(storage_full())
        file_id = f"file-{digest_of_bytes(f'{desk.name}/{desk.files.next_number()}'.encode())}"
        file = StoredFile(file_id, upload.filename, upload.purpose, upload.content, incoming.moment.wall_s)
        desk.files.put(file)
        return file_body(file)


class ListFiles:
    """`GET /v1/files`."""

    name = "files"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """One page of them."""
        return run_errand(
            desk, incoming, lambda: files_body(page_of_files(desk.files.all(), incoming.received))
        )


class OneFile:
    """`GET /v1/files/{id}`."""

    name = "files"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """What is known of the file."""
        return run_errand(desk, incoming, lambda: file_body(_found(desk, incoming)))


class FileContent:
    """`GET /v1/files/{id}/content`."""

    name = "files"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """The file itself."""
        return run_errand(desk, incoming, lambda: _found(desk, incoming).content, _BYTES)


class DeleteFile:
    """`DELETE /v1/files/{id}`."""

    name = "files"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Forget the file."""
        return run_errand(desk, incoming, lambda: self._delete(desk, incoming))

    def _delete(self, desk: Desk, incoming: Incoming) -> bytes:
        file = _found(desk, incoming)
        desk.files.delete(file.id)
        return deleted_body(file.id)


def _found(desk: Desk, incoming: Incoming) -> StoredFile:
    file = desk.files.get(incoming.params["id"])
    if file is None:
        raise Refused(no_such_file(incoming.params["id"]))
    return file
