"""The tables of defaults of the batch client and of the batch layer."""

from typing import Literal

from pydantic import Field

from ..config.options import Options


class BatchClientOptions(Options):
    """`poll_s` 60 seconds to the first poll; each later interval is `growth` 1.5 times as long, at most
    `max_poll_s` 600; each is drawn uniformly from 0.5 to 1.5 times that. `submit_attempts` 5: how often a
    batch is sent, or looked up, before submitting fails. `unreadable_s` 7,200: a batch whose status or
    results cannot be read for that long without a break is lost.
    """

    poll_s: float = Field(default=60.0, gt=0)
    growth: float = Field(default=1.5, ge=1)
    max_poll_s: float = Field(default=600.0, gt=0)
    submit_attempts: int = Field(default=5, ge=1)
    unreadable_s: float = Field(default=7_200.0, ge=0)

    def pause_s(self, n: int, u: float) -> float:
        """Seconds to wait before poll `n`, counted from 0; `u` is drawn from [0, 1)."""
        full_s = min(self.max_poll_s, self.poll_s * self.growth ** min(n, 64))
        return full_s * (0.5 + u)


class BatchOptions(BatchClientOptions):
    """`target` "": the target whose batch API is used, "" for the chain's first that has one. `window_s`
    82,800 seconds (23 hours): calls with at least this long until their deadline go into batches of at most
    `max_requests` 1,000 items, sent when the first has waited for `linger_s` 300 seconds. `on_failure`
    "live": an item that failed is sent live, and so is one whose batch failed as a whole or is not done
    `live_s` 600 seconds before the call's deadline; "fail": its call fails. A batch that the provider
    refuses because too much is enqueued is sent again while its calls have half of `window_s` left. `folder`
    "": where the journal is kept over restarts; "" for a temporary folder that ends with the process.
    """

    target: str = ""
    window_s: float = Field(default=82_800.0, gt=0)
    max_requests: int = Field(default=1_000, ge=1, le=50_000)
    linger_s: float = Field(default=300.0, ge=0)
    on_failure: Literal["live", "fail"] = "live"
    live_s: float = Field(default=600.0, ge=0)
    folder: str = ""

    @property
    def goes_live_s(self) -> float:
        """Seconds before its deadline at which a call leaves its batch: `live_s`, at most half the window."""
        return min(self.live_s, self.window_s / 2) if self.on_failure == "live" else 0.0
