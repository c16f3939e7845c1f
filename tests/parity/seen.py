"""How a request looks from outside under each kind of fault.

Written independently of the code, as `cases` is.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.parity.worlds import API_KEY


@dataclass(frozen=True, slots=True)
class Seen:
    """The outcome of one fault: status, how the connection and the ledger's row end, what is billed."""

    fault: dict[str, Any]
    status: int = 200
    ended: str = "whole"
    row_ended: str = "complete"
    billed: bool = True
    chunks: int | None = None  # of a stream; None: all of them
    json_ended: str | None = None  # where a JSON reply's connection ends otherwise
    thoughts: int = 0  # chunks of a stream that are not text

    def status_from(self, provider: str) -> int:
        own = {("anthropic", 503): 529, ("gemini", 401): 400}  # Google has no 401 for a wrong key
        if self.fault["kind"] == "retired":
            own = {("together", 404): 400}
        return own.get((provider, self.status), self.status)


SEEN = (
    Seen({"kind": "outage"}, 503, "whole", "error", False, 0),
    Seen({"kind": "region_outage", "region": "us"}, 503, "whole", "error", False, 0),
    Seen({"kind": "http_error", "status": 418}, 418, "whole", "error", False, 0),
    Seen({"kind": "http_error", "status": 429, "variant": "quota_exhausted"}, 429, "whole",
         "error", False, 0),
    Seen({"kind": "http_error", "status": 429, "variant": "ramp_limit", "retry_after_s": 3.0}, 429, "whole",
         "error", False, 0),
    Seen({"kind": "http_error", "status": 502, "variant": "html"}, 502, "whole", "error", False, 0),
    Seen({"kind": "key_revoked", "key": API_KEY}, 401, "whole", "error", False, 0),
    Seen({"kind": "refuse"}, 0, "reset", "reset", False, 0),
    Seen({"kind": "retired"}, 404, "whole", "error", False, 0),
    Seen({"kind": "deprecated"}),
    Seen({"kind": "hang", "hold_s": 0.02}, 0, "eof", "hung", False, 0),
    Seen({"kind": "brownout", "extra_s": 0.01, "slowdown": 1.5}),
    Seen({"kind": "slow_first_token", "extra_s": 0.02}),
    Seen({"kind": "slow_drip", "gap_s": 0.002}),
    Seen({"kind": "stall", "after_chunks": 2, "hold_s": 0.02}, 200, "eof", "stalled", True, 2),
    Seen({"kind": "stall", "after_chunks": 0, "hold_s": 0.02}, 200, "eof", "stalled", True, 0),
    Seen({"kind": "reset", "after_chunks": 2}, 200, "reset", "reset", True, 2),
    Seen({"kind": "truncate", "after_chunks": 2}, 200, "whole", "truncated", True, 2, "eof"),
    Seen({"kind": "truncate", "after_chunks": 0}, 200, "whole", "truncated", True, 0, "eof"),
    Seen({"kind": "malformed_json", "after_chunks": 2}),
    Seen({"kind": "malformed_sse", "after_chunks": 2}),
    Seen({"kind": "in_band_error", "after_chunks": 2}, 200, "whole", "error", True, 2),
    Seen({"kind": "in_band_error", "after_chunks": 0, "status": 500}, 200, "whole", "error", True, 0),
    Seen({"kind": "html_200"}, 200, "whole", "error", False, 0),
    Seen({"kind": "quality_loss", "factor": 0.0}),
    Seen({"kind": "cache_wipe"}),
    Seen({"kind": "clock_skew", "skew_s": 100.0}),
    Seen({"kind": "http_error", "status": 429, "sent_status": 200}, 200, "whole", "error", False, 0),
    Seen({"kind": "odd_chunk", "variant": "null_error"}),
    Seen({"kind": "odd_usage", "variant": "zero_first"}),
    Seen({"kind": "odd_tool_call"}),
    Seen({"kind": "odd_framing", "variant": "no_space"}),
    Seen({"kind": "odd_finish", "variant": "filtered", "after_chunks": 2}),
    Seen({"kind": "broken_end", "variant": "eof"}, 200, "whole", "truncated", True, None, "eof"),
    Seen({"kind": "broken_end", "variant": "reset"}, 200, "reset", "reset"),
    Seen({"kind": "broken_end", "variant": "silence", "hold_s": 0.02}, 200, "eof", "stalled"),
    Seen({"kind": "reasoning", "for_s": 0.01, "gap_s": 0.005}, thoughts=2),
    Seen({"kind": "early_headers", "gap_s": 0.001}),
    Seen({"kind": "keep_alive_close"}),
)  # fmt: skip
BROKEN = ("malformed_json", "malformed_sse")
UNMARKED = ("cache_wipe", "odd_tool_call")  # there is no prompt cache here, and nobody calls a tool
GENERATED = (
    "odd_chunk",
    "odd_usage",
    "odd_framing",
    "odd_finish",
    "broken_end",
    "reasoning",
    "early_headers",
)
"""Kinds that change replies that are generated, and no others."""

every_fault = pytest.mark.parametrize(
    "seen", SEEN, ids=[" ".join(map(str, each.fault.values())) for each in SEEN]
)
