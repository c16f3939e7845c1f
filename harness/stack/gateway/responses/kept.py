"""Kept responses: `GET`, `DELETE`, `cancel` and `input_items` of a response."""

import orjson

from ..caller import caller_of
from ..chunks import error_json
from ..http.asgi import Response
from .store import ResponseStore, owner_of

PREFIX = "/v1/responses/"


async def serve_kept(
    store: ResponseStore, method: str, path: str, headers: dict[str, str], response: Response
) -> bool:
    """Answer a request for a kept response; False if there is no such endpoint."""
    response_id, _, what = path.removeprefix(PREFIX).partition("/")
    if (method, what) not in _ENDPOINTS or not response_id:
        return False
    owner = owner_of(caller_of(headers))
    kept = store.get(owner, response_id)
    if kept is None:
        message = f"Response with id '{response_id}' not found."
        await response.json(404, error_json("invalid_request_error", "not_found", message))
    elif what == "cancel":
        message = "Cannot cancel a synchronous response."
        await response.json(400, error_json("invalid_request_error", "bad_request", message))
    elif what == "input_items":
        await response.json(200, _listed(kept.input_items))
    elif method == "DELETE":
        store.delete(owner, response_id)
        await response.json(200, orjson.dumps({"id": response_id, "object": "response", "deleted": True}))
    else:
        await response.json(200, orjson.dumps(kept.response))
    return True


_ENDPOINTS = (("GET", ""), ("DELETE", ""), ("POST", "cancel"), ("GET", "input_items"))


def _listed(items: tuple[dict[str, object], ...]) -> bytes:
    """All input items, the newest first, as one page."""
    data = list(reversed(items))
    return orjson.dumps(
        {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": False,
        }
    )
