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
from .operations import run_operation
from .provider_context import Decision, Exchange, ProviderContext

_BYTES = b"application/octet-stream"


class UploadFile:
    """`POST /v1/files`."""

    name = "files"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Store the file."""
        return run_operation(context, exchange, lambda: self._store(context, exchange))

    def _store(self, context: ProviderContext, exchange: Exchange) -> bytes:
        upload = read_upload(exchange.received)
        if not context.files.has_room_for(len(upload.content)):
            raise Refused(storage_full())
        file_id = f"file-{digest_of_bytes(f'{context.name}/{context.files.next_number()}'.encode())}"
        file = StoredFile(file_id, upload.filename, upload.purpose, upload.content, exchange.instant.wall_s)
        context.files.put(file)
        return file_body(file)


class ListFiles:
    """`GET /v1/files`."""

    name = "files"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """One page of them."""
        return run_operation(
            context, exchange, lambda: files_body(page_of_files(context.files.all(), exchange.received))
        )


class OneFile:
    """`GET /v1/files/{id}`."""

    name = "files"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """What is known of the file."""
        return run_operation(context, exchange, lambda: file_body(_found(context, exchange)))


class FileContent:
    """`GET /v1/files/{id}/content`."""

    name = "files"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """The file itself."""
        return run_operation(context, exchange, lambda: _found(context, exchange).content, _BYTES)


class DeleteFile:
    """`DELETE /v1/files/{id}`."""

    name = "files"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Forget the file."""
        return run_operation(context, exchange, lambda: self._delete(context, exchange))

    def _delete(self, context: ProviderContext, exchange: Exchange) -> bytes:
        file = _found(context, exchange)
        context.files.delete(file.id)
        return deleted_body(file.id)


def _found(context: ProviderContext, exchange: Exchange) -> StoredFile:
    file = context.files.get(exchange.params["id"])
    if file is None:
        raise Refused(no_such_file(exchange.params["id"]))
    return file
