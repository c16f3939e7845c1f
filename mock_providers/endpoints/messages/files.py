"""Anthropic's files: upload, list, retrieve, content, delete. Each returns the reply's body.

All but `upload` and `list_page` raise Refused (404) for an unknown id.
"""

from ...batches.files import StoredFile
from ...exchange.request import Refused, digest_of_bytes
from ...wire.anthropic.files import (
    deleted_body,
    file_body,
    files_body,
    no_such_file,
    not_downloadable,
    page_of_files,
    read_upload,
    storage_full,
)
from ..decision import Exchange
from ..provider_context import ProviderContext


def upload(context: ProviderContext, exchange: Exchange) -> bytes:
    """`POST /v1/files`: store the file; raises Refused (403) when the storage is full."""
    new = read_upload(exchange.received)
    if not context.files.has_room_for(len(new.content)):
        raise Refused(storage_full())
    file_id = f"file_{digest_of_bytes(f'{context.name}/{context.files.next_number()}'.encode())}"
    file = StoredFile(file_id, new.filename, "user_data", new.content, exchange.instant.wall_s)
    context.files.put(file)
    return file_body(file)


def list_page(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/files`: one page, newest first."""
    return files_body(page_of_files(context.files.all(), exchange.received))


def retrieve(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/files/{id}`: the file object."""
    return file_body(_found(context, exchange))


def content(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/files/{id}/content`: raises Refused (400), since uploaded files cannot be downloaded."""
    raise Refused(not_downloadable(_found(context, exchange).id))


def delete(context: ProviderContext, exchange: Exchange) -> bytes:
    """`DELETE /v1/files/{id}`."""
    file = _found(context, exchange)
    context.files.delete(file.id)
    return deleted_body(file.id)


def _found(context: ProviderContext, exchange: Exchange) -> StoredFile:
    file = context.files.get(exchange.params["id"])
    if file is None:
        raise Refused(no_such_file(exchange.params["id"]))
    return file
