"""The stack as an OpenAI-compatible server: plain ASGI, usable by any OpenAI client unchanged.

The facts of a call are sent beside the answer: in `x-brownout-*` headers when the reply begins and, for
streams whose request has the header `x-brownout-facts: comment`, in an SSE comment before `[DONE]`, when
attempts and cost are final. (Some clients parse every line that is not empty, so it is not sent unasked.) A
failure after the first token
is an error event without `[DONE]`, so a cut stream never looks complete.

`/v1/responses` is OpenAI's Responses API over the same stack: its requests become chat completions. The
comment with the facts comes before the last event, and a failure ends in `error` and `response.failed`.

Request headers carry what OpenAI's protocol has no field for: `x-brownout-call-id`, `x-brownout-tenant`,
`x-brownout-priority` (interactive, batch), `x-brownout-residency` (the region the call must stay in),
`x-brownout-hint` (how hard the question is, for the oracle router) and `x-brownout-cache` (refresh: store the
answer but read none from the cache; bypass: neither).
"""

import asyncio
from dataclasses import dataclass, field

import orjson

from ..assembly.stack import Stack
from .chat import ChatCompletion
from .chunks import error_json
from .http.asgi import Receive, Response, Scope, Send, headers_of, read_body
from .http.cors import allowed_origin, is_preflight, preflight_headers, sending_to
from .http.hang_up import until_hang_up
from .http.paths import canonical
from .responses.kept import PREFIX, serve_kept
from .responses.serve import CreateResponse
from .responses.store import ResponseStore

MODELS = "/v1/models/"


@dataclass(frozen=True, slots=True)
class Gateway:
    """The ASGI app. `wall_offset_s` plus the loop's clock is the Unix time written into `created`.

    `responses`: those that it keeps, as the Responses API does.
    """

    stack: Stack
    wall_offset_s: float = 0.0
    responses: ResponseStore = field(default_factory=ResponseStore)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"this server speaks HTTP only, not {scope['type']}")
        origin = allowed_origin(scope, self.stack.options.gateway.allow_origins)
        if origin is not None and is_preflight(scope):
            response = Response(send)
            await response.start(204, preflight_headers(scope, origin))
            await response.write(b"", last=True)
            return
        await self._answer(scope, receive, Response(send if origin is None else sending_to(origin, send)))

    async def _answer(self, scope: Scope, receive: Receive, response: Response) -> None:
        route = (scope["method"], canonical(scope["path"]))
        if route == ("POST", "/v1/chat/completions"):
            chat = ChatCompletion(self.stack, headers_of(scope), response, self.wall_offset_s)
            await _serve(chat, receive, response)
        elif route == ("POST", "/v1/responses"):
            headers = headers_of(scope)
            create = CreateResponse(self.stack, self.responses, headers, response, self.wall_offset_s)
            await _serve(create, receive, response)
        elif route[1].startswith(PREFIX) and await serve_kept(
            self.responses, *route, headers_of(scope), response
        ):
            pass
        elif route == ("GET", "/v1/models"):
            await response.json(200, _models(self.stack))
        elif scope["method"] == "GET" and route[1].startswith(MODELS):
            await _one_model(self.stack, route[1].removeprefix(MODELS), response)
        elif route == ("GET", "/health"):
            now = asyncio.get_running_loop().time()
            await response.json(200, orjson.dumps(await self.stack.health(now)))
        else:
            message = f"Invalid URL ({scope['method']} {scope['path']})"
            await response.json(404, error_json("invalid_request_error", "not_found", message))


async def _serve(endpoint: ChatCompletion | CreateResponse, receive: Receive, response: Response) -> None:
    body = await read_body(receive, response)
    if body is not None:
        await until_hang_up(endpoint.serve(body), receive)


def _model_objects(stack: Stack) -> dict[str, dict[str, object]]:
    """The models of the stack's targets by name; of one that several providers have, the first one's."""
    found: dict[str, dict[str, object]] = {}
    for target in stack.options.target:
        owner = target.provider
        found.setdefault(
            target.model, {"id": target.model, "object": "model", "created": 0, "owned_by": owner}
        )
    return found


def _models(stack: Stack) -> bytes:
    return orjson.dumps({"object": "list", "data": list(_model_objects(stack).values())})


async def _one_model(stack: Stack, name: str, response: Response) -> None:
    model = _model_objects(stack).get(name)
    if model is None:
        message = f"The model '{name}' does not exist"
        await response.json(404, error_json("invalid_request_error", "model_not_found", message))
    else:
        await response.json(200, orjson.dumps(model))
