"""Stored responses: retrieve, delete, cancel, list input items."""

from dataclasses import replace
from typing import Any

import orjson

from ...exchange.bad_field import BadField
from ...exchange.request import Refused
from ...wire.openai.files import list_body
from ...wire.pages import limit_of, page_after
from ...wire.responses.codec import ResponsesCodec
from ...wire.responses.errors import cannot_cancel, response_not_found
from ...wire.responses.resumed import Resumed, resumed_plan
from ..decision import Decision, Exchange
from ..operations import Operation
from ..provider_context import ProviderContext
from .stored_response import StoredResponse

STORED = "stored_responses"
"""`endpoint` of what reads or changes stored responses."""


class Retrieve:
    """`GET /v1/responses/{id}`: the response, or with `stream=true` its events.

    `starting_after`: the sequence number after which they begin. OpenAI streams again only what was created
    in the background as a stream; here any stored response can be.
    """

    name = STORED

    def __init__(self, codec: ResponsesCodec) -> None:
        self._codec = codec
        self._whole = Operation(self.name, retrieve)

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """The response as of now; raises Refused for one that is not stored."""
        if exchange.received.query.get("stream") != "true":
            return self._whole.decide(context, exchange)
        response = _found(context, exchange)
        try:
            after = _starting_after(exchange)
        except BadField as bad:
            raise Refused(context.errors.bad_field(bad)) from None
        now = exchange.instant.now
        plan = resumed_plan(response.plan, now - response.received, context.refusals.error_latency_s)
        cancelled = response.stage(float("inf")).status == "cancelled"
        if cancelled:
            kept = len(response.pieces(response.ends_at))
            plan = replace(plan, ends="complete", pieces=plan.pieces[:kept], in_band=None)
        rendering = Resumed(self._codec, response.request, response.plan, response.stamp, after, cancelled)
        decision = context.free(exchange, plan, rendering)
        return replace(decision, info=replace(decision.info, stream=True))


def _starting_after(exchange: Exchange) -> int:
    text = exchange.received.query.get("starting_after")
    if text is None:
        return -1
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadField(("starting_after",), "type", "integer", text)
    return int(text)


def retrieve(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/responses/{id}`: the response object."""
    return orjson.dumps(_found(context, exchange).object_at(exchange.instant.now))


def delete(context: ProviderContext, exchange: Exchange) -> bytes:
    """`DELETE /v1/responses/{id}`."""
    response = _found(context, exchange)
    context.responses.delete(response.id)
    return orjson.dumps({"id": response.id, "object": "response", "deleted": True})


def cancel(context: ProviderContext, exchange: Exchange) -> bytes:
    """`POST /v1/responses/{id}/cancel`: of a background response; one that has ended stays as it is.

    A stream of it that is being read runs on to its own end.
    """
    response, now = _found(context, exchange), exchange.instant.now
    if response.background is None:
        raise Refused(cannot_cancel())
    context.responses.cancel(response, now)
    return orjson.dumps(response.object_at(now))


def input_items(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/responses/{id}/input_items`: one page, newest first unless `order=asc`."""
    response, query = _found(context, exchange), exchange.received.query
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise BadField(("order",), "choice", "'asc', 'desc'", order)
    items: list[Any] = list(response.input_items)
    if order == "desc":
        items.reverse()
    page = page_after(items, lambda item: item["id"], query.get("after"), limit_of(query, 20, 100))
    return list_body(list(page.items), has_more=page.has_more)


def _found(context: ProviderContext, exchange: Exchange) -> StoredResponse:
    response = context.responses.get(exchange.params["id"])
    if response is None:
        raise Refused(response_not_found(exchange.params["id"]))
    return response
