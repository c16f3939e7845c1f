"""Responses through the gateway are the same bytes under both engines, also when a provider breaks."""

from typing import Any

from harness.stack.core.facts import CallFacts
from harness.stack.gateway.app import Gateway
from harness.stack.upstream.endpoint import Endpoint
from harness.world.serving import serve
from tests.parity.cases import Case, both_modes, breaks_after_commit, every_case, faults_at, limits
from tests.parity.raw_client import PROMPT, Exchange, exchange_bytes, http_request
from tests.parity.stacks import attempts_of, build_stack
from tests.parity.worlds import Row, fast_profile, in_both, providers, settled_rows

CHAIN = ("openai", "anthropic")


async def observe(case: Case, stream: bool) -> tuple[list[Exchange], list[Any], list[Row]]:
    """The client's replies, the stack's attempts and the providers' rows."""
    async with providers(fast_profile(**limits(case)), faults_at(case, CHAIN[0])) as (app, endpoints):
        emitted: list[CallFacts] = []
        stack = build_stack(endpoints, CHAIN, emitted)
        async with serve(Gateway(stack, wall_offset_s=1e9)) as origin:
            asked = {"model": "gpt-4o", "input": PROMPT, "max_output_tokens": 200, "stream": stream}
            gateway = Endpoint(f"{origin}/v1", "any")
            replies = [
                await exchange_bytes(
                    gateway, http_request("POST", "/v1/responses", gateway, asked, attempt_id="a")
                )
                for _ in range(case.calls)
            ]
        await stack.aclose()
        return replies, [attempts_of(facts) for facts in emitted], await settled_rows(app)


@every_case
@both_modes
def test_a_client_of_the_gateway_gets_the_same_response(case: Case, stream: bool) -> None:
    on_sockets, in_memory = in_both(lambda: observe(case, stream))
    assert in_memory == on_sockets
    replies, _, _ = in_memory
    if case.kind == "bad_request":
        assert replies[-1].status == 400
        return
    assert replies[-1].status == 200
    broken = breaks_after_commit(case, stream=stream)
    last = "response.failed" if broken else "response.completed"
    if stream:
        assert replies[-1].parts[-1].startswith(f"event: {last}\n")
    else:
        assert '"status":"completed"' in replies[-1].parts[0]
