"""`POST /v1/messages`: a message thread is put in front of the request, and kept with the reply."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from ...exchange.bad_field import BadField
from ...exchange.request import Refused
from ...wire.anthropic.betas import THREADS, betas_of
from ...wire.anthropic.threads import (
    FIXED,
    already_continued,
    changed,
    continued,
    fields_changed,
    not_found,
    thread_of,
)
from ...wire.fields import dumps, loads
from ..decision import Decision, Exchange
from ..generation import Generation
from ..provider_context import ProviderContext
from .thread_store import Thread, ThreadStore


class ThreadedMessages(Generation):
    """Messages, with threads: requests with the beta header and a `thread`."""

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Reply or refuse; raises Refused for a request that cannot be parsed, or whose thread is gone."""
        received = exchange.received
        if b'"thread"' not in received.body or not any(
            beta.startswith(THREADS) for beta in betas_of(received)
        ):
            return super().decide(context, exchange)
        store, now = context.threads, exchange.instant.now
        try:
            body = loads(received.body)
            dumps(body)  # one that is nested too deeply to be written is refused here
            use = thread_of(body)
        except BadField as bad:
            raise Refused(context.errors.bad_field(bad)) from None
        except ValueError:
            raise Refused(context.errors.bad_json()) from None
        if use is None:
            return super().decide(context, exchange)
        thread = None
        if use.previous is not None:
            thread = _usable(store, use.previous, body, now)
            body = _whole(context, thread, body)
        whole = {key: value for key, value in body.items() if key != "thread"}
        received = replace(received, body=orjson.dumps(whole))
        decision = super().decide(context, replace(exchange, received=received))
        if decision.plan.status == 200 and decision.plan.ends == "complete":
            _keep(store, decision, whole, now)
            if thread is not None:
                thread.used = True
        return decision


def _usable(store: ThreadStore, message_id: str, body: Mapping[str, Any], now: float) -> Thread:
    """The thread that a request continues; raises Refused."""
    thread = store.get(message_id, now)
    if thread is None:
        raise Refused(not_found(message_id))
    if thread.used:
        raise Refused(already_continued(message_id))
    if names := changed(thread.kept, body):
        raise Refused(fields_changed(names))
    return thread


def _whole(context: ProviderContext, thread: Thread, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return continued(thread.kept, body)
    except BadField as bad:
        raise Refused(context.errors.bad_field(bad)) from None


def _keep(store: ThreadStore, decision: Decision, whole: Mapping[str, Any], now: float) -> None:
    """Keep the conversation with the reply at its end; an empty reply adds no message."""
    if decision.rendering is None:
        return
    reply = orjson.loads(decision.rendering.body(decision.plan))
    messages = list(whole["messages"])
    if content := reply.get("content"):
        messages.append({"role": "assistant", "content": content})
    kept = {**{name: whole[name] for name in FIXED if name in whole}, "messages": messages}
    store.put(str(reply["id"]), kept, len(orjson.dumps(kept)), now + decision.plan.ends_s)
