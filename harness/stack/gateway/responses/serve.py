"""One response: a request in, a stream or a whole response out; and what is kept of it."""

import asyncio
from math import inf
from typing import Any

import orjson

from ...assembly.stack import Stack
from ...core.call import Call
from ...core.errors import StackError
from ...core.facts import CallFacts
from ...core.reply import Finish, Reply
from ..caller import caller_of
from ..chunks import error_json
from ..fact_headers import fact_comment, fact_headers
from ..fields import BadRequest
from ..http.asgi import Response
from ..http.heartbeats import HEADERS, Heartbeats
from ..refusal import refusal
from .events import EventWriter
from .items import Json
from .request import ResponseRequest, parse_response_request
from .response import Identity, output_of, status_of
from .store import KeptResponse, ResponseStore, owner_of


class CreateResponse:
    """Serves `POST /v1/responses`; `wall_offset_s` plus the loop's clock is the Unix time in `created_at`."""

    def __init__(
        self,
        stack: Stack,
        store: ResponseStore,
        headers: dict[str, str],
        response: Response,
        wall_offset_s: float,
    ) -> None:
        self._stack, self._store = stack, store
        self._headers = headers
        self._caller = caller_of(headers)
        self._call_id = headers.get("x-brownout-call-id") or ""
        self._response = response
        self._wall_offset_s = wall_offset_s

    async def serve(self, body: bytes) -> None:
        """Answer the request in `body`, streamed or whole."""
        try:
            request = parse_response_request(body, self._items_of)
        except BadRequest as error:
            complaint = error_json("invalid_request_error", error.kind, str(error), error.param)
            await self._response.json(400, complaint)
            return
        call = self._call(request)
        every_s = self._stack.options.gateway.keepalive_s if request.chat.stream else 0.0
        async with Heartbeats(self._response, every_s or inf):
            try:
                await self._answer(call, request)
            except StackError as error:
                await self._refuse(call, request, error)

    def _items_of(self, response_id: str) -> tuple[Json, ...]:
        kept = self._store.get(owner_of(self._caller), response_id)
        if kept is None:
            message = (
                f"Previous response with id '{response_id}' not found: this gateway keeps responses that are "
                "not 'store: false', for their client, while there is room."
            )
            raise BadRequest(message, "previous_response_id")
        return kept.items

    def _call(self, request: ResponseRequest) -> Call:
        chat = request.chat
        return self._stack.call(
            self._call_id or self._stack.next_id(),
            chat.messages,
            asyncio.get_running_loop().time(),
            self._caller,
            model=chat.model,
            stream=chat.stream,
            **chat.options,
        )

    async def _answer(self, call: Call, request: ResponseRequest) -> None:
        async with await self._stack.ask(call) as reply:
            identity = self._identity(call.facts, request)
            if request.chat.stream:
                await self._stream(reply, call.facts, EventWriter(identity), request)
                return
            answer = await reply.answer()
            output, status = output_of(identity, answer), status_of(answer.finish)
            response = identity.response(status, output, answer.finish)
            self._keep(request, response)
            headers = fact_headers(call.facts, final=True)
            await self._response.json(200, orjson.dumps(response), headers)

    async def _stream(
        self, reply: Reply, facts: CallFacts, writer: EventWriter, request: ResponseRequest
    ) -> None:
        if not self._response.started:
            await self._response.start(200, HEADERS | fact_headers(facts, final=False))
        opening, closing = writer.opening(), b""
        response: dict[str, Any] = {}
        try:
            async for event in reply:
                if isinstance(event, Finish):
                    closing, response = writer.closing(event)
                    continue
                await self._response.write(opening + writer.piece(event))
                opening = b""
        except StackError as error:
            failure = opening + writer.failure(error)
            await self._response.write(fact_comment(facts, self._headers) + failure, last=True)
        else:
            self._keep(request, response)
            await self._response.write(opening + fact_comment(facts, self._headers) + closing, last=True)

    async def _refuse(self, call: Call, request: ResponseRequest, error: StackError) -> None:
        """An error status, or an error event if the status has been sent early."""
        if self._response.started:
            writer = EventWriter(self._identity(call.facts, request))
            failure = writer.opening() + writer.failure(error)
            await self._response.write(fact_comment(call.facts, self._headers) + failure, last=True)
            return
        status, refused, headers = refusal(error)
        await self._response.json(status, refused, fact_headers(call.facts, final=True) | headers)

    def _identity(self, facts: CallFacts, request: ResponseRequest) -> Identity:
        answered_by = facts.answered_by
        model = request.chat.model if answered_by is None else answered_by.model
        created = int(self._wall_offset_s + asyncio.get_running_loop().time())
        return Identity(f"resp_{facts.call_id}", created, model, request.settings, request.custom_tools)

    def _keep(self, request: ResponseRequest, response: Json) -> None:
        if request.store:
            earlier = len(request.items) - request.own
            own = [with_id(item, response["id"], nth) for nth, item in enumerate(request.items[earlier:])]
            kept = KeptResponse(response, (*request.items[:earlier], *own))
            self._store.put(owner_of(self._caller), kept)


def with_id(item: Json, response_id: str, nth: int) -> Json:
    """An input item with an id, and content as parts, as it is listed."""
    content = item.get("content")
    if item["type"] == "message" and isinstance(content, str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        item = {**item, "content": [{"type": kind, "text": content}]}
    return {"id": f"in_{response_id.removeprefix('resp_')}_{nth}", "status": "completed", **item}
