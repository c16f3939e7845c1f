"""What each metric is called and means, its unit, which way is better: said once, for table and page."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "s", "usd", "count", "per_s", "ratio"]
Better = Literal["higher", "lower", None]


@dataclass(frozen=True, slots=True)
class Metric:
    """`better` None: neither way is good as such. `minor`: shown with all metrics, not with the main."""

    name: str
    label: str
    unit: Unit
    better: Better
    definition: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    metrics: tuple[Metric, ...]


def _group(title: str, *metrics: Metric) -> Group:
    return Group(title, metrics)


CATALOGUE: tuple[Group, ...] = (
    _group(
        "Reliability",
        Metric(
            "calls",
            "Calls sent",
            "count",
            None,
            "Calls that the load generator sent to the subject.",
            minor=True,
        ),
        Metric(
            "success_rate",
            "Success",
            "share",
            "higher",
            "Calls that ended in a complete answer, of calls sent. A truncated stream is a failure.",
        ),
        Metric(
            "success_rate_in_faults",
            "Success during the fault",
            "share",
            "higher",
            "The same, of the calls planned while a scheduled fault was active.",
        ),
        Metric(
            "recovery_s",
            "Recovery after the fault",
            "s",
            "lower",
            "End of the last scheduled fault to the moment from which on the success rate is back at its "
            "level before the fault, or less than 10 points below. Infinite when it never is.",
        ),
        Metric(
            "goodput_rate",
            "Goodput (within SLO)",
            "share",
            "higher",
            "Calls that succeeded and met every latency objective of the scenario, of calls sent.",
        ),
        Metric(
            "rejected_rate",
            "Refused by the subject",
            "share",
            "lower",
            "Calls that the subject itself turned away (limits, deadlines), of calls sent.",
        ),
    ),
    _group(
        "Latency from planned start",
        Metric(
            "ttft_s_p50",
            "TTFT p50",
            "s",
            "lower",
            "Time to first token: planned start to first content at the client, successful calls. "
            "For a reply that is not streamed, its end.",
        ),
        Metric("ttft_s_p95", "TTFT p95", "s", "lower", "As above, 95th percentile."),
        Metric("ttft_s_p99", "TTFT p99", "s", "lower", "As above, 99th percentile.", minor=True),
        Metric(
            "ttft_s_p95_adjusted",
            "TTFT p95, failures as ∞",
            "s",
            "lower",
            "Error-adjusted: over all calls sent, where one that failed never answered. "
            "Infinite when more than 5 % failed.",
        ),
        Metric(
            "e2e_s_p50", "Total p50", "s", "lower", "Planned start to end of the reply, successful calls."
        ),
        Metric("e2e_s_p95", "Total p95", "s", "lower", "As above, 95th percentile."),
        Metric("e2e_s_p99", "Total p99", "s", "lower", "As above, 99th percentile.", minor=True),
        Metric(
            "e2e_s_p95_adjusted",
            "Total p95, failures as ∞",
            "s",
            "lower",
            "Error-adjusted, as for TTFT.",
            minor=True,
        ),
        Metric(
            "tpot_s_p50",
            "Time per output token p50",
            "s",
            "lower",
            "(end - first content) / (output tokens - 1), successful streamed calls.",
            minor=True,
        ),
        Metric(
            "itl_s_p99",
            "Gap between contents p99",
            "s",
            "lower",
            "Gaps between consecutive contents at the client, pooled over successful streamed calls.",
            minor=True,
        ),
        Metric(
            "stall_rate",
            "Stalled streams",
            "share",
            "lower",
            "Streamed calls with a gap longer than 1 s, of those that got a first content.",
        ),
    ),
    _group(
        "What the stack did",
        Metric(
            "attempts",
            "Requests to providers",
            "count",
            "lower",
            "Attempts that went out to a provider.",
            minor=True,
        ),
        Metric(
            "retry_amplification",
            "Attempts per call",
            "ratio",
            "lower",
            "Attempts sent to providers, of any kind, divided by calls sent.",
        ),
        Metric(
            "fallback_rate",
            "Calls that fell back",
            "share",
            None,
            "Calls with at least one attempt on a fallback target, of calls sent.",
        ),
        Metric(
            "continued_rate",
            "Calls continued",
            "share",
            None,
            "Calls whose reply broke after its first token and was continued by another attempt, "
            "of calls sent.",
            minor=True,
        ),
        Metric(
            "hedge_rate",
            "Calls that hedged",
            "share",
            None,
            "Calls with at least one hedged attempt, of calls sent.",
            minor=True,
        ),
        Metric(
            "failover_s_p95",
            "Failover time p95",
            "s",
            "lower",
            "Start of a call's first failed attempt to the first content of the attempt that answered it; "
            "over calls that succeeded after a failure.",
        ),
        Metric(
            "rate_limited_attempts",
            "Attempts answered 429",
            "count",
            "lower",
            "Attempts that a provider refused for its rate limit or an exhausted quota.",
        ),
        Metric(
            "limiter_wait_s_p95",
            "Wait in own limiter p95",
            "s",
            "lower",
            "Time an attempt queued in the subject's own rate limiter.",
            minor=True,
        ),
        Metric(
            "limiter_utilisation",
            "Provider's limit used",
            "share",
            None,
            "Of what the provider's own limit could let in while the load lasted, a full bucket at first "
            "included, the share that it let in; of several limits, the one used most.",
            minor=True,
        ),
        Metric(
            "peak_arrivals_per_s",
            "Most requests in a second",
            "count",
            "lower",
            "The most requests that any one provider received within one second.",
        ),
    ),
    _group(
        "Cost (the provider's ledger)",
        Metric("billed_usd", "Billed", "usd", "lower", "Everything the mock providers charged for."),
        Metric("usd_per_1k_calls", "Per 1,000 calls", "usd", "lower", "Billed, per thousand calls sent."),
        Metric(
            "usd_per_1k_answers",
            "Per 1,000 answers",
            "usd",
            "lower",
            "Billed, per thousand calls that succeeded: failed calls are often free and answer nothing.",
        ),
        Metric(
            "wasted_usd",
            "Wasted",
            "usd",
            "lower",
            "Billed for attempts that answered no successful call: cut streams, lost hedges, "
            "abandoned calls.",
        ),
        Metric(
            "input_tokens",
            "Input tokens",
            "count",
            None,
            "Input tokens billed, cached ones included.",
            minor=True,
        ),
        Metric(
            "cached_input_tokens",
            "of which cached",
            "count",
            None,
            "Input tokens the provider's prompt cache served.",
            minor=True,
        ),
        Metric("output_tokens", "Output tokens", "count", None, "Output tokens billed.", minor=True),
        Metric(
            "wasted_tokens",
            "Wasted tokens",
            "count",
            "lower",
            "Input and output tokens of the attempts counted as wasted.",
            minor=True,
        ),
        Metric(
            "reconciliation_error_usd",
            "Billed − accounted",
            "usd",
            None,
            "The provider's bill minus what the subject believes it spent, to the nano-dollar.",
            minor=True,
        ),
    ),
    _group(
        "Caches and answers",
        Metric(
            "cache_hit_rate",
            "Cache hits",
            "share",
            "higher",
            "Calls replayed from the subject's own cache, of calls sent.",
        ),
        Metric(
            "semantic_hit_rate",
            "Semantic cache hits",
            "share",
            "higher",
            "Calls that got the answer of a question in other words, of calls sent.",
            minor=True,
        ),
        Metric(
            "false_hit_share",
            "False hits",
            "share",
            "lower",
            "Calls that got the answer of another question from a cache, of calls sent.",
        ),
        Metric(
            "false_hit_rate",
            "False hits, of all hits",
            "share",
            "lower",
            "Calls that got the answer of another question, of those that a cache answered.",
            minor=True,
        ),
        Metric(
            "coalesced_rate",
            "Calls that shared a flight",
            "share",
            "higher",
            "Calls answered by the reply to the same question that was under way, of calls sent.",
            minor=True,
        ),
        Metric(
            "provider_cache_hit_rate",
            "Provider prompt-cache hits",
            "share",
            "higher",
            "Billed requests for which the provider served part of the prompt from its cache.",
            minor=True,
        ),
        Metric(
            "quality_rate",
            "Right answers",
            "share",
            "higher",
            "Answers that hold the expected one, of successful calls whose right answer is known.",
        ),
    ),
    _group(
        "Routing",
        Metric(
            "routed_small_rate",
            "Routed to the smallest tier",
            "share",
            None,
            "Calls that ended at the smallest tier of models by the router's decision, of calls routed.",
        ),
        Metric(
            "escalation_rate",
            "Escalated",
            "share",
            None,
            "Calls for which a larger tier was asked after a smaller one's answer was doubted or failed, of "
            "calls that a cascade took.",
        ),
        Metric(
            "gap_recovered",
            "Quality gap recovered",
            "share",
            "higher",
            "Of the difference in right answers between sending every call to the large tier and to the "
            "small one, the share that the router recovers (PGR).",
        ),
        Metric(
            "apgr",
            "APGR",
            "ratio",
            "higher",
            "The share of the gap recovered, averaged over all costs between small and large: 0.5 is what "
            "random mixing gives, 1 the large model's quality at the small one's cost.",
        ),
        Metric(
            "saving_at_equal_quality",
            "Saving at equal quality",
            "share",
            "higher",
            "What the router saves of the cost of the random mix of small and large that is right as often. "
            "Negative: the mix is cheaper.",
        ),
    ),
    _group(
        "Load",
        Metric(
            "offered_rate",
            "Offered",
            "per_s",
            None,
            "Planned calls per second of the measured window.",
            minor=True,
        ),
        Metric("achieved_rate", "Sent", "per_s", None, "Calls actually sent, per second.", minor=True),
        Metric(
            "late_starts",
            "Sent late",
            "count",
            "lower",
            "Calls sent more than 0.1 s after their plan.",
            minor=True,
        ),
        Metric(
            "dropped_arrivals",
            "Dropped by the generator",
            "count",
            "lower",
            "Planned calls that were never sent: not the subject's doing, not in any rate above.",
            minor=True,
        ),
        Metric("send_lag_s_p99", "Send lag p99", "s", "lower", "Actually sent minus planned.", minor=True),
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for group in CATALOGUE for metric in group.metrics}
