"""The way of one streamed chat request through the rooms of the mock, from the ASGI app to its bytes.

`server/app.py` drives four stages; each calls down the floors and returns:

- arrive: read the head, name the request, read the body, settle the batches that are due
- decide: parse, admit, match faults, generate and schedule the reply, apply faults
- play: write headers and chunks when they are due, and note in the ledger entry what was sent
- settle: return what the request held, append its ledger row

A room appears once a stage, in the order of first entry. Rooms that only hold values are left out.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from mock_providers import MockApp, load_profile
from tests.paths import ROOT

WAY = {
    "arrive": ["http", "endpoints", "wire", "batches"],
    "decide": ["endpoints", "wire", "engine", "faults", "limits", "content", "latency"],
    "play": ["http", "wire", "ledger"],
    "settle": ["engine", "limits", "http", "batches", "ledger"],
}
STAGES = {
    ("server/service.py", "decide"): "decide",
    ("http/playback.py", "play"): "play",
    ("server/service.py", "settle"): "settle",
}
VALUES = {"exchange", "errors", "plan", "prices", "profile", "model_names"}
PACKAGE = ROOT / "mock_providers"


class Trace:
    """Records which rooms are entered while a profile function is set, by stage."""

    def __init__(self) -> None:
        self.way: dict[str, list[str]] = {"arrive": []}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or not path.is_relative_to(PACKAGE):
            return
        file = path.relative_to(PACKAGE)
        room, function = file.parts[0].removesuffix(".py"), frame.f_code.co_name
        if stage := STAGES.get((file.as_posix(), function)):
            self.way.setdefault(stage, [])
        rooms = self.way[list(self.way)[-1]]
        if room not in rooms and room != "server" and room not in VALUES:
            rooms.append(room)


async def _streamed_chat() -> tuple[Trace, bytes]:
    app = MockApp(load_profile("unpaced"), seed=1)
    message = {"role": "user", "content": "in about 4 tokens"}
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": [message]}).encode()
    sent: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(part: Any) -> None:
        sent.append(part.get("body", b""))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"authorization", b"Bearer k")],
        "query_string": b"",
    }
    provider, trace = app.provider("openai"), Trace()
    before = sys.getprofile()
    sys.setprofile(trace)
    try:
        await provider(scope, receive, send)
    finally:
        sys.setprofile(before)
    return trace, b"".join(sent)


async def test_a_streamed_chat_passes_these_rooms_in_this_order() -> None:
    trace, body = await _streamed_chat()
    assert body.endswith(b"data: [DONE]\n\n")
    assert trace.way == WAY


def test_a_room_is_passed_in_at_most_two_stages_except_for_the_two_at_the_edge() -> None:
    """`http` reads the request, writes the reply and closes; `wire` reads the API key from the head (a client
    that hangs up before its body has a ledger row with its key), then the request, and writes the reply.
    """
    visits = Counter(room for rooms in WAY.values() for room in rooms)
    assert {room for room, stages in visits.items() if stages == 1} == {"faults", "content", "latency"}
    assert {room for room, stages in visits.items() if stages == 3} == {"http", "wire"}
    assert max(visits.values()) == 3
