"""The prompt caches, against oracles that keep every prompt whole and compare token by token."""

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mock_providers import Profile
from mock_providers.engine.state import Caller, ProviderState
from mock_providers.exchange.media.media import Media
from mock_providers.exchange.request import CacheTtl, Message, Part, Request
from mock_providers.exchange.validation import one_line
from mock_providers.prompt_cache.cache import (
    Automatic,
    AutomaticCache,
    BreakpointCache,
    Breakpoints,
    PromptCaching,
    prompt_cache,
)
from mock_providers.prompt_cache.prefix import breakpoints, stepped
from tests.effort import effort

Prompt = tuple[Message, ...]
Token = tuple[str, str | int]

FOREVER_S = 1e9
LONG = "x" * 4 * 1024


def row(prompt: Sequence[Message]) -> list[Token]:
    """A prompt as its tokens."""
    made: list[Token] = [("request", nth) for nth in range(3)]
    for message in prompt:
        made += [(f"role {message.role}", nth) for nth in range(4)]
        text = message.text
        made += [("text", text[at : at + 4]) for at in range(0, len(text), 4)]
        made += [(media.digest, nth) for media in message.media for nth in range(media.tokens)]
    return made


def common(one: list[Token], other: list[Token]) -> int:
    """Length of the common prefix."""
    for nth, (mine, yours) in enumerate(zip(one, other, strict=False)):
        if mine != yours:
            return nth
    return min(len(one), len(other))


class Touch(NamedTuple):
    """A call used or wrote a prefix: when received, when the reply began, what was lost before."""

    now: float
    ready: float
    since: float


def serves(touches: list[Touch], now: float, since: float, idle: float, age: float) -> bool:
    """Whether a prefix with this history can be read, by replaying the history."""
    ready = used = -math.inf
    for touch in touches:
        if touch.now >= min(used + idle, ready + age) or ready < touch.since:
            ready = used = touch.ready
        elif touch.now >= ready:
            used = max(used, touch.now)
        else:
            ready, used = min(ready, touch.ready), max(used, touch.ready)
    return since <= ready <= now < min(used + idle, ready + age)


# Few different letters and lengths, so that prompts share beginnings and part at every place of a token.
TEXTS = st.lists(st.sampled_from(["a", "ab", "abcd", "abcdefgh", "\n", "é", "漢字かな", ""]), max_size=6).map(
    "".join
)
BREAKPOINTS = st.sampled_from([None, None, "5m", "1h"])
IMAGES = st.sampled_from([Media("image", 3, "1a"), Media("image", 8, "2b")])
PARTS = st.builds(Part, TEXTS, BREAKPOINTS, st.none()) | st.builds(Part, st.just(""), BREAKPOINTS, IMAGES)
MESSAGES = st.builds(
    Message, st.sampled_from(["tools", "system", "user"]), st.lists(PARTS, min_size=1, max_size=3).map(tuple)
)
PROMPTS = st.lists(MESSAGES, max_size=5).map(tuple)


LENGTHS = st.integers(0, 5)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Prompt, int, int, int | None]]:
    """Calls as (prompt, seconds since the last one, seconds to the reply, seconds since a wipe or None).

    Most prompts are another one continued or with its end changed.
    """
    calls: list[tuple[Prompt, int, int, int | None]] = []
    for _ in range(draw(st.integers(1, 14))):
        prompt = draw(PROMPTS)
        if calls and draw(LENGTHS) > 0:
            earlier = calls[draw(st.integers(0, len(calls) - 1))][0]
            prompt = earlier[: draw(LENGTHS)] + prompt[:2]
        wiped = draw(st.none() | st.none() | st.integers(0, 30))
        calls.append((prompt, draw(st.integers(0, 25)), draw(st.integers(0, 10)), wiped))
    return calls


@settings(max_examples=effort(80), deadline=None)
@given(histories(), st.integers(3, 24), st.integers(1, 7))
def test_automatic_hits_are_the_longest_common_prefix_in_steps(
    calls: list[tuple[Prompt, int, int, int | None]], least: int, step: int
) -> None:
    options = Automatic(min_tokens=least, step_tokens=step, idle_s=FOREVER_S, max_age_s=FOREVER_S)
    cache, earlier, now = AutomaticCache(options), list[tuple[float, list[Token]]](), 0.0
    for prompt, gap, to_reply, _ in calls:
        now += gap
        mine = row(prompt)
        assert len(mine) == Request("m", prompt, "").input_tokens
        shared = max((common(mine, other) for ready, other in earlier if ready <= now), default=0)
        use = cache.look_up(prompt, now)
        assert use.read_tokens == (0 if shared < least else least + (shared - least) // step * step)
        assert (use.write_tokens, use.write_1h_tokens) == (0, 0)
        cache.commit(use, now + to_reply)
        earlier.append((now + to_reply, mine))


@settings(max_examples=effort(80), deadline=None)
@given(histories(), st.integers(3, 16), st.integers(1, 7), st.integers(5, 40), st.integers(20, 90))
def test_automatic_entries_live_as_long_as_they_are_used_and_young_and_not_wiped(
    calls: list[tuple[Prompt, int, int, int | None]], least: int, step: int, idle: int, age: int
) -> None:
    options = Automatic(
        min_tokens=least, step_tokens=step, idle_s=float(idle), max_age_s=float(age), writes_reported=True
    )
    cache, history, now = AutomaticCache(options), dict[tuple[Token, ...], list[Touch]](), 0.0
    for prompt, gap, to_reply, wiped in calls:
        now += gap
        since = None if wiped is None else now - wiped
        lost = -math.inf if since is None else since
        mine = row(prompt)
        prefixes = [tuple(mine[:cut]) for cut in range(least, len(mine) + 1, step)]
        read = 0
        for prefix in prefixes:
            if not serves(history.get(prefix, []), now, lost, idle, age):
                break
            read = len(prefix)
        use = cache.look_up(prompt, now, since)
        assert use.read_tokens == read
        assert use.read_tokens + use.write_tokens == (len(prefixes[-1]) if prefixes else 0)
        cache.commit(use, now + to_reply)
        for prefix in prefixes:
            history.setdefault(prefix, []).append(Touch(now, now + to_reply, lost))


Prefix = tuple[tuple[str, tuple[str | Media, ...]], ...]


def cut_after(prompt: Prompt) -> list[tuple[Prefix, int, CacheTtl | None]]:
    """Every prefix that ends with a content block: as text, its tokens, whether a breakpoint follows."""
    made = []
    for nth, message in enumerate(prompt):
        before = [(each.role, shown(each)) for each in prompt[:nth]]
        for last, part in enumerate(message.parts):
            begun = Message(message.role, message.parts[: last + 1])
            count = Request("m", (*prompt[:nth], begun), "").input_tokens
            made.append(((*before, (message.role, shown(begun))), count, part.cache))
    return made


def shown(message: Message) -> tuple[str | Media, ...]:
    """The blocks of a message, each as its text or its media."""
    return tuple(part.about if isinstance(part.about, Media) else part.text for part in message.parts)


class BreakpointOracle:
    """Anthropic's rules, on prefixes kept as text, with every touch of each."""

    lasts: dict[CacheTtl, float] = {"5m": 30.0, "1h": 60.0}  # noqa: RUF012 - a constant of the oracle

    def __init__(self, least: int, back: int) -> None:
        self.least, self.back = least, back
        self.history: dict[tuple[CacheTtl, Prefix], list[Touch]] = {}

    def kinds(self, prefix: Prefix, now: float, since: float) -> list[CacheTtl]:
        kinds: list[CacheTtl] = ["5m", "1h"]
        return [
            kind
            for kind in kinds
            if serves(self.history.get((kind, prefix), []), now, since, self.lasts[kind], math.inf)
        ]

    def ask(self, prompt: Prompt, now: float, ready: float, since: float) -> tuple[int, int, int]:
        places = cut_after(prompt)
        marks = [nth for nth, (_, size, cache) in enumerate(places) if cache and size >= self.least]
        hits = []
        touched: list[tuple[CacheTtl, Prefix]] = []
        for mark in marks:
            window = range(mark, max(-1, mark - self.back), -1)
            hit = next((nth for nth in window if self.kinds(places[nth][0], now, since)), None)
            if hit is not None:
                hits.append(hit)
                touched += [(kind, places[hit][0]) for kind in self.kinds(places[hit][0], now, since)]
            cache = places[mark][2]
            if hit != mark and cache:
                touched.append((cache, places[mark][0]))
        a = max((places[nth][1] for nth in hits), default=0)
        b = max((places[nth][1] for nth in marks if places[nth][2] == "1h" and places[nth][1] > a), default=a)
        c = max((places[nth][1] for nth in marks if places[nth][1] > b), default=b)
        for key in touched:
            self.history.setdefault(key, []).append(Touch(now, ready, since))
        return a, c - b, b - a


@settings(max_examples=effort(80), deadline=None)
@given(histories(), st.integers(3, 16), st.integers(1, 5))
def test_breakpoints_read_and_write_what_the_oracle_says(
    calls: list[tuple[Prompt, int, int, int | None]], least: int, back: int
) -> None:
    options = Breakpoints(min_tokens=least, look_back_blocks=back, ttl_5m_s=30.0, ttl_1h_s=60.0)
    cache, oracle, now = BreakpointCache(options), BreakpointOracle(least, back), 0.0
    for prompt, gap, to_reply, wiped in calls:
        now += gap
        since = None if wiped is None else now - wiped
        use = cache.look_up(prompt, now, since)
        expected = oracle.ask(prompt, now, now + to_reply, -math.inf if since is None else since)
        assert (use.read_tokens, use.write_tokens, use.write_1h_tokens) == expected
        assert sum(expected) <= Request("m", prompt, "").input_tokens
        cache.commit(use, now + to_reply)


@given(PROMPTS, PROMPTS, st.integers(3, 20), st.integers(1, 5))
def test_equal_digests_mean_equal_prefixes(one: Prompt, other: Prompt, least: int, step: int) -> None:
    mine, yours = row(one), row(other)
    assert len(set(stepped(one, least, step))) == len(stepped(one, least, step))
    for nth, (a, b) in enumerate(zip(stepped(one, least, step), stepped(other, least, step), strict=False)):
        cut = least + nth * step
        assert (a == b) is (mine[:cut] == yours[:cut])


def asked(text: str, *marks: CacheTtl | None) -> Prompt:
    """A system prompt of about 1,024 tokens with a breakpoint of each kind of `marks`, and a question."""
    mark = marks[0] if marks else None
    return (Message("system", (Part(LONG, mark),)), Message("user", (Part(text, (*marks, None, None)[1]),)))


def test_a_prompt_below_1024_tokens_is_not_cached() -> None:
    cache = prompt_cache(Automatic())
    for length, hit in ((1016, 0), (1017, 1024)):  # 7 tokens are those of the request and of the role
        prompt = (Message.of("user", "y" * 4 * length),)
        cache.commit(cache.look_up(prompt, 0.0), 0.0)
        assert cache.look_up(prompt, 1.0).read_tokens == hit


def test_parallel_cold_calls_all_write_and_the_next_one_reads() -> None:
    cache = prompt_cache(Breakpoints())
    prompt = asked("hello", "5m")
    for now in (0.0, 0.1, 0.2):
        use = cache.look_up(prompt, now)
        assert (use.read_tokens, use.write_tokens) == (0, 1031)
        cache.commit(use, now + 0.5)
    assert cache.look_up(prompt, 0.49).read_tokens == 0
    assert cache.look_up(prompt, 0.5).read_tokens == 1031


def test_a_look_up_without_a_commit_leaves_nothing() -> None:
    cache = prompt_cache(Automatic())
    for now in (0.0, 1.0, 2.0):
        assert cache.look_up(asked("hello"), now).read_tokens == 0
    assert len(cache) == 0


@pytest.mark.parametrize(("mark", "lasts_s"), [("5m", 300.0), ("1h", 3600.0)])
def test_a_use_starts_the_time_to_live_again(mark: CacheTtl, lasts_s: float) -> None:
    cache = prompt_cache(Breakpoints())
    prompt, now = asked("hello", mark), 0.0
    cache.commit(cache.look_up(prompt, now), now)
    for _ in range(5):
        now += lasts_s - 1.0
        use = cache.look_up(prompt, now)
        assert use.read_tokens == 1031
        cache.commit(use, now)
    assert cache.look_up(prompt, now + lasts_s).read_tokens == 0


def test_an_entry_that_is_read_keeps_its_time_to_live_whatever_the_breakpoint_asks_for() -> None:
    cache = prompt_cache(Breakpoints())
    cache.commit(cache.look_up(asked("hello", "5m"), 0.0), 0.0)
    use = cache.look_up(asked("hello", "1h"), 10.0)
    assert (use.read_tokens, use.write_1h_tokens) == (1031, 0)
    cache.commit(use, 10.0)
    assert cache.look_up(asked("hello", "1h"), 309.0).read_tokens == 1031
    assert cache.look_up(asked("hello", "1h"), 311.0).read_tokens == 0


def test_an_automatic_entry_lives_no_longer_than_an_hour_however_often_it_is_used() -> None:
    cache = prompt_cache(Automatic())
    read = []
    for minute in range(0, 64, 4):
        use = cache.look_up(asked("hello"), minute * 60.0)
        read.append(use.read_tokens > 0)
        cache.commit(use, minute * 60.0)
    assert read == [False, *[True] * 14, False]


def test_what_was_written_before_a_wipe_is_lost_and_what_comes_after_is_not() -> None:
    cache = prompt_cache(Automatic())
    cache.commit(cache.look_up(asked("hello"), 0.0), 1.0)
    assert cache.look_up(asked("hello"), 20.0).read_tokens == 1024
    use = cache.look_up(asked("hello"), 20.0, since=10.0)
    assert use.read_tokens == 0
    cache.commit(use, 21.0)
    assert cache.look_up(asked("hello"), 22.0, since=10.0).read_tokens == 1024


def test_writes_are_split_by_time_to_live_as_the_usage_fields_want() -> None:
    use = prompt_cache(Breakpoints()).look_up(asked("x" * 400, "1h", "5m"), 0.0)
    assert (use.read_tokens, use.write_1h_tokens, use.write_tokens) == (0, 1031, 104)


def test_a_growing_conversation_reads_what_the_turn_before_wrote() -> None:
    cache, written = prompt_cache(Breakpoints()), 0
    prompt: Prompt = (Message.of("system", LONG),)
    for turn in range(6):
        asks = (*prompt, Message("user", (Part(f"question {turn}", "5m"),)))
        use = cache.look_up(asks, turn * 60.0)
        assert use.read_tokens == written
        cache.commit(use, turn * 60.0 + 1.0)
        written = use.read_tokens + use.write_tokens
        prompt = (*prompt, Message.of("user", f"question {turn}"), Message.of("assistant", "an answer"))


@pytest.mark.parametrize(("blocks_after", "read"), [(19, 1031), (20, 0)])
def test_a_breakpoint_looks_back_twenty_blocks_itself_counted(blocks_after: int, read: int) -> None:
    cache = prompt_cache(Breakpoints())
    cache.commit(cache.look_up(asked("", "5m")[:1], 0.0), 0.0)
    more = [Part(f"block {nth}") for nth in range(blocks_after - 1)]
    prompt = (Message.of("system", LONG), Message("user", (*more, Part("the last", "5m"))))
    assert cache.look_up(prompt, 1.0).read_tokens == read


def test_the_same_text_in_other_blocks_is_another_prefix_to_anthropic() -> None:
    cache = prompt_cache(Breakpoints())
    whole = (Message("system", (Part(LONG + "\n" + LONG, "5m"),)),)
    halves = (Message("system", (Part(LONG), Part(LONG, "5m"))),)
    cache.commit(cache.look_up(whole, 0.0), 0.0)
    assert cache.look_up(whole, 1.0).read_tokens == cache.look_up(halves, 1.0).write_tokens == 2056
    assert cache.look_up(halves, 1.0).read_tokens == 0


def test_breakpoints_are_told_in_order_for_the_protocol_to_judge() -> None:
    assert breakpoints(asked("hello", "5m", "1h")) == ("5m", "1h")
    assert breakpoints(asked("hello")) == ()


@pytest.mark.parametrize("options", [Automatic(), Breakpoints()])
def test_the_cache_forgets_what_expired(options: Automatic | Breakpoints) -> None:
    cache, most = prompt_cache(options), 0
    for second in range(4000):
        prompt = (Message("user", (Part(f"{second:08d}" * 520, "5m"),)),)
        cache.commit(cache.look_up(prompt, float(second)), second + 1.0)
        most = max(most, len(cache))
    assert most <= 303  # one entry a second, each 300 s from the second in which its reply begins


def test_the_least_recently_used_entries_go_first_when_there_are_too_many() -> None:
    cache = prompt_cache(Automatic(max_entries=3))
    prompts = [(Message.of("user", f"{nth:08d}" * 512),) for nth in range(4)]
    for now, nth in enumerate((0, 1, 2, 0, 3)):
        cache.commit(cache.look_up(prompts[nth], float(now)), float(now))
    assert len(cache) == 3
    assert [cache.look_up(prompt, 9.0).read_tokens for prompt in prompts] == [1024, 0, 1024, 1024]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "automatic", "min_tokens": 2}, "min_tokens: .*greater than or equal to 3"),
        ({"kind": "automatic", "look_back_blocks": 20}, "look_back_blocks: unknown key"),
        ({"kind": "breakpoints", "ttl_5m_s": 0.0}, "ttl_5m_s: .*greater than 0"),
    ],
)
def test_options_that_cannot_be_are_told_in_one_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter[Automatic | Breakpoints](PromptCaching).validate_python(options)
    assert re.match(message, one_line(error.value))


@pytest.mark.parametrize(("first_at", "read"), [(0.5, 1024), (None, 0)])
def test_only_a_reply_that_begins_leaves_its_prompt_in_the_cache(
    fast_profile: Callable[..., Profile], first_at: float | None, read: int
) -> None:
    profile = fast_profile(prompt_cache={"kind": "automatic"})
    model_id, model = next(iter(profile.providers["openai"].models.items()))
    state, caller = ProviderState(), Caller("key-1", "org-1")
    request = Request(model_id, asked("hello"), "digest")
    admission = state.enter(caller, model_id, model, request, 0.0)
    state.begin(caller, model_id, model, admission, first_at, 1.0)
    assert state.enter(caller, model_id, model, request, 1.0).cached.read_tokens == read
    stranger = Caller("key-2", "org-2")
    assert state.enter(stranger, model_id, model, request, 1.0).cached.read_tokens == 0
