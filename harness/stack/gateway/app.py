"""The stack as an OpenAI-compatible server: plain ASGI, usable by any OpenAI client unchanged.

The facts of a call are sent beside the answer: in `x-brownout-*` headers when the reply begins and, for
streams, in an SSE comment before `[DONE]`, when attempts and cost are final. A failure after the first token
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
from .asgi import Receive, Response, Scope, Send, headers_of, read_body
from .chat import ChatCompletion
from .chunks import error_json
from .hang_up import until_hang_up
from .responses.kept import PREFIX, serve_kept
from .responses.serve import CreateResponse
from .responses.store import ResponseStore


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
        response = Response(send)
        route = (scope["method"], scope["path"])
        if route == ("POST", "/v1/chat/completions"):
            chat = ChatCompletion(self.stack, headers_of(scope), response, self.wall_offset_s)
            await _serve(chat, receive, response)
        elif route == ("POST", "/v1/responses"):
            headers = headers_of(scope)
            create = CreateResponse(self.stack, self.responses, headers, response, self.wall_offset_s)
            await _serve(create, receive, response)
        elif scope["path"].startswith(PREFIX) and await serve_kept(
            self.responses, *route, headers_of(scope), response
        ):
            pass
        elif route == ("GET", "/v1/models"):
            await response.json(200, _models(self.stack))
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


def _models(stack: Stack) -> bytes:
    models = [
        {"id": target.model, "object": "model", "created": 0, "owned_by": target.provider}
        for target in stack.options.target
    ]
    return orjson.dumps({"object": "list", "data": models})
