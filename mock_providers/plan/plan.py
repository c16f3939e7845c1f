"""The Plan: a provider's whole response to one request, with its timing, as a frozen value.

Times are seconds since the request was received. A fault is a function from a Plan to a Plan; the methods
below are the changes that faults make. Nothing here encodes bytes or sleeps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..exchange.media.media import MediaKind
from ..exchange.request import Problem
from ..limits.limits import Meter
from .parts import Answer, Block, Choice, Ending, Heartbeat, KeepAlive, Malformation, Piece, Quirk


@dataclass(frozen=True, slots=True)
class Plan:
    """One reply or refusal.

    - `headers_s`: when the status line and headers are due; None: never, no reply is sent
    - `streamed`: whether it is sent as a stream
    - `pieces`: the content; `keep` of them are sent before the ending (None: all)
    - `ends`, `ends_s`: how and when it ends (a reset, hang or stall: when the connection is cut)
    - `finished`: an ending other than "complete" comes after the finish reason
    - `in_band`: the error that ends a reply which began as a success
    - `page`: HTML sent instead of the body
    - `malformed`, `malformed_at`: the defect of the chunk with that index (of a JSON reply: of its body)
    - `drip_s`: seconds between parts of a JSON reply's body; None: it is sent at once
    - `quirks`: deviations from the usual bytes
    - `heartbeat`, `keep_alive`: before the content, and after the reply; None: as usual
    - `retires_in_s`: the time until the model's retirement (negative: since), which the headers announce;
      None: they announce none
    - `clock_skew_s`: how far the provider's clock is ahead in its headers
    - `ttft_s`: when the first token is generated, also for a JSON reply, which is sent in one piece
    - `choices`: the replies that the pieces belong to; empty for requests without generation
    - `input_tokens`: all of the prompt; of these `cached_input_tokens` were read from the prompt cache, and
      `cache_write_tokens` (for five minutes) and `cache_write_1h_tokens` written to it; `cache_lost_tokens`
      more would have been read without a cache wipe
    - `media_tokens`: the part of `input_tokens` that is media, by kind
    - `service_tier`: the tier that the reply names and that is billed; "": the standard one
    - `answer`: whether the first choice is right
    - `queued_s`: the wait for a free slot of the model
    - `billable`: whether input and sent tokens are charged; refusals and hangs are free
    - `fault`: the kind of the fault that replaced or changed this reply
    """

    status: int
    ends: Ending
    ends_s: float
    headers_s: float | None
    pieces: tuple[Piece, ...] = ()
    keep: int | None = None
    ttft_s: float = 0.0
    choices: tuple[Choice, ...] = ()
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_lost_tokens: int = 0
    media_tokens: Mapping[MediaKind, int] = field(default_factory=dict)
    queued_s: float = 0.0
    service_tier: str = ""
    answer: Answer | None = None
    problem: Problem | None = None
    meters: tuple[Meter, ...] = ()
    billable: bool = True
    fault: str | None = None
    streamed: bool = False
    finished: bool = False
    in_band: Problem | None = None
    page: str | None = None
    malformed: Malformation | None = None
    malformed_at: int = 0
    drip_s: float | None = None
    quirks: tuple[Quirk, ...] = ()
    heartbeat: Heartbeat | None = None
    keep_alive: KeepAlive | None = None
    clock_skew_s: float = 0.0
    retires_in_s: float | None = None

    @property
    def output_tokens(self) -> int:
        """Tokens of the whole reply, sent or not."""
        return sum(piece.tokens for piece in self.pieces)

    @property
    def reasoning_tokens(self) -> int:
        """The part of `output_tokens` that is reasoning."""
        reasoning = {
            (nth, which)
            for nth, choice in enumerate(self.choices)
            for which, block in enumerate(choice.blocks)
            if block.kind == "reasoning"
        }
        if not reasoning:
            return 0
        return sum(piece.tokens for piece in self.pieces if (piece.choice, piece.block) in reasoning)

    @property
    def first_word(self) -> Piece | None:
        """The first piece that is no reasoning, None without any."""
        return next((piece for piece in self.pieces if self.is_word(piece)), None)

    def is_word(self, piece: Piece) -> bool:
        """Whether a piece is a part of the answer, not of the reasoning before it."""
        return not self.choices or self._block_of(piece).kind != "reasoning"

    @property
    def text(self) -> str:
        """The text of all pieces, sent or not, in the order of the chunks."""
        return "".join(piece.text for piece in self.pieces)

    def _block_of(self, piece: Piece) -> Block:
        return self.choices[piece.choice].blocks[piece.block]

    def text_of(self, choice: int, block: int) -> str:
        """The whole text of one block, sent or not."""
        return "".join(piece.text for piece in self.pieces if piece.choice == choice and piece.block == block)

    def is_last_text(self, nth: int) -> bool:
        """Whether the `nth` piece is the last one of a reply of one choice that completes, and text."""
        if nth != len(self.pieces) - 1 or len(self.choices) != 1 or self.ends != "complete":
            return False
        return self.choices[0].blocks[self.pieces[nth].block].kind == "text"

    @property
    def to_send(self) -> tuple[Piece, ...]:
        """The pieces that are sent before the ending."""
        return self.pieces[: self.keep]

    @property
    def splits(self) -> bool:
        """Whether a stream's bytes are sent in parts that end within events and characters."""
        return any(quirk.name == "split" for quirk in self.quirks)

    @property
    def decided(self) -> bool:
        """Whether the reply no longer completes, so that later faults do not apply."""
        return self.ends != "complete"

    def refused(self, problem: Problem, after_s: float, fault: str) -> "Plan":
        """An HTTP error instead of the reply."""
        return replace(refusal(problem, after_s, self.meters), fault=fault)

    def announcing(self, retires_in_s: float | None) -> "Plan":
        """The same reply, its headers announcing the model's retirement; None announces none."""
        return self if retires_in_s is None else replace(self, retires_in_s=retires_in_s)

    def delayed(self, extra_s: float, slowdown: float, fault: str) -> "Plan":
        """The reply `extra_s` later, its gaps `slowdown` times as long."""

        def later(due_s: float) -> float:
            return self.ttft_s + extra_s + (due_s - self.ttft_s) * slowdown

        return replace(
            self,
            ttft_s=self.ttft_s + extra_s,
            headers_s=None if self.headers_s is None else later(self.headers_s),
            ends_s=later(self.ends_s),
            pieces=tuple(piece._replace(due_s=later(piece.due_s)) for piece in self.pieces),
            fault=fault,
        )

    def late(self, extra_s: float, fault: str) -> "Plan":
        """The headers on time, all content `extra_s` later."""
        plan = self.delayed(extra_s, 1.0, fault)
        return replace(plan, headers_s=self.headers_s)

    def dripping(self, gap_s: float, fault: str) -> "Plan":
        """At least `gap_s` between chunks, or between the parts of a JSON reply's body."""
        pieces: list[Piece] = []
        due_s = 0.0
        for piece in self.pieces:
            due_s = max(piece.due_s, due_s + gap_s) if pieces else piece.due_s
            pieces.append(piece._replace(due_s=due_s))
        ends_s = pieces[-1].due_s if pieces else self.ends_s
        return replace(self, pieces=tuple(pieces), ends_s=ends_s, drip_s=gap_s, fault=fault)

    def cut_after(
        self, chunks: int, ends: Ending, fault: str, *, hold_s: float = 0.0, in_band: Problem | None = None
    ) -> "Plan":
        """Send the first `chunks` chunks, then end as `ends` when the next one is due, `hold_s` later."""
        keep = min(chunks, len(self.pieces))
        cut_s = self.pieces[keep].due_s if keep < len(self.pieces) else self.ends_s
        return replace(self, ends=ends, keep=keep, ends_s=cut_s + hold_s, in_band=in_band, fault=fault)

    def broken_after_finish(
        self, ends: Ending, fault: str, *, hold_s: float = 0.0, in_band: Problem | None = None
    ) -> "Plan":
        """All content and the finish reason, then end as `ends`, `hold_s` later."""
        plan = self.cut_after(len(self.pieces), ends, fault, hold_s=hold_s, in_band=in_band)
        return replace(plan, finished=True)

    def with_quirk(self, name: str, at: int, fault: str) -> "Plan":
        """The same reply with a deviation of its bytes; unchanged without content to deviate from."""
        if not self.choices:
            return self
        return replace(self, quirks=(*self.quirks, Quirk(name, at)), fault=fault)

    def with_malformed_chunk(self, chunk: int, how: Malformation, fault: str) -> "Plan":
        """The chunk with that index, or the last one, is malformed; the others are valid."""
        at = max(0, min(chunk, len(self.pieces) - 1))
        return replace(self, malformed=how, malformed_at=at, fault=fault)

    def replaced_by_page(self, page: str, status: int, after_s: float, fault: str) -> "Plan":
        """HTML instead of the reply, as a proxy in front of the provider sends it; not billed."""
        return Plan(
            status, "page", after_s, after_s, page=page, meters=self.meters, billable=False, fault=fault
        )

    def reset_at_once(self, fault: str) -> "Plan":
        """The connection is reset at once, without a reply."""
        return replace(self.hung(0.0, fault), ends="reset")

    def hung(self, hold_s: float, fault: str) -> "Plan":
        """Nothing is sent; after `hold_s` the connection is closed."""
        return replace(
            self,
            status=0,
            ends="hung",
            ends_s=hold_s,
            headers_s=None,
            keep=0,
            billable=False,
            answer=None,
            fault=fault,
        )


def refusal(problem: Problem, after_s: float, meters: tuple[Meter, ...] = ()) -> Plan:
    """The plan of an HTTP error `after_s` after the request; not billed."""
    return Plan(
        status=problem.status,
        ends="error",
        ends_s=after_s,
        headers_s=after_s,
        problem=problem,
        meters=meters,
        billable=False,
    )
