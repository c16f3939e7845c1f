"""vLLM's own endpoints: metrics in Prometheus' text format, token ids, versions, the list of models.

Sources: docs.vllm.ai/en/latest/usage/metrics.html,
docs.vllm.ai/en/latest/serving/openai_compatible_server.html.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

import orjson

from ....exchange.bad_field import BadField
from ....ledger.server_metrics import Histogram, ModelMetrics
from ....profile import Provider
from ...dialect import MODELS_SINCE_S
from ...fields import Fields
from ..prompt import read_messages

VERSION = "0.11.0"
METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class ToTokenize(NamedTuple):
    """A text to tokenize, and whether the tokens themselves are wanted."""

    model: str
    text: str
    with_texts: bool


def read_tokenize(body: object) -> ToTokenize:
    """Read a request to `/tokenize`: a `prompt`, or `messages`; raises BadField."""
    fields = Fields(body)
    text = fields.text("prompt") if fields.present("prompt") else _chat(fields)
    return ToTokenize(fields.read("model", "string") or "", text, fields.flag("return_token_strs"))


def _chat(fields: Fields) -> str:
    return "\n".join(message.text for message in read_messages(fields, fields.read("model", "string") or ""))


def read_detokenize(body: object) -> list[int]:
    """Read a request to `/detokenize`; raises BadField."""
    fields = Fields(body)
    fields.require("tokens")
    ids = fields.items("tokens")
    for nth, id_ in enumerate(ids):
        if type(id_) is not int or id_ < 0:
            raise BadField(("tokens", nth), "type", "integer", id_)
    return ids


def tokenized_body(ids: list[int], texts: list[str] | None, max_model_len: int) -> bytes:
    """The reply to `/tokenize`."""
    reply = {"count": len(ids), "max_model_len": max_model_len, "tokens": ids, "token_strs": texts}
    return orjson.dumps(reply)


def detokenized_body(text: str) -> bytes:
    """The reply to `/detokenize`."""
    return orjson.dumps({"prompt": text})


def version_body() -> bytes:
    """The reply to `/version`."""
    return orjson.dumps({"version": VERSION})


def model_object(provider: Provider, model_id: str) -> dict[str, object]:
    """One model in the list of models."""
    known = provider.models.get(model_id)
    return {
        "id": model_id,
        "object": "model",
        "created": MODELS_SINCE_S,
        "owned_by": "vllm",
        "root": model_id,
        "parent": None,
        "max_model_len": None if known is None else known.context_window,
        "permission": [],
    }


def metrics_body(
    models: Mapping[str, ModelMetrics], waiting: Mapping[str, int], busy: Mapping[str, float]
) -> bytes:
    """The metrics of each model: counters and histograms, requests that wait, the busy share of its slots.

    The share stands for the use of the KV cache, which the mock does not have.
    """
    return "\n".join([*_lines(models, waiting, busy), ""]).encode()


def _lines(
    models: Mapping[str, ModelMetrics], waiting: Mapping[str, int], busy: Mapping[str, float]
) -> Iterator[str]:
    running = {name: each.in_flight - waiting.get(name, 0) for name, each in models.items()}
    yield from _family("num_requests_running", "gauge", running.items())
    yield from _family("num_requests_waiting", "gauge", ((name, waiting.get(name, 0)) for name in models))
    yield from _family("kv_cache_usage_perc", "gauge", ((name, busy.get(name, 0.0)) for name in models))
    for name, values in {
        "prompt_tokens_total": {id_: each.prompt_tokens for id_, each in models.items()},
        "generation_tokens_total": {id_: each.generation_tokens for id_, each in models.items()},
        "prefix_cache_queries_total": {id_: each.prompt_tokens for id_, each in models.items()},
        "prefix_cache_hits_total": {id_: each.cached_tokens for id_, each in models.items()},
    }.items():
        yield from _family(name, "counter", values.items())
    yield "# TYPE vllm:request_success_total counter"
    for id_, each in models.items():
        for reason in ("stop", "length", "abort"):
            label = f'finished_reason="{reason}",model_name="{_label(id_)}"'
            yield f"vllm:request_success_total{{{label}}} {each.finished[reason]}"
    names = next(iter(models.values())).histograms if models else {}
    for name in names:
        yield f"# TYPE vllm:{name} histogram"
        for id_, each in models.items():
            yield from _histogram(name, id_, each.histograms[name])


def _family(name: str, kind: str, values: Iterable[tuple[str, float]]) -> Iterator[str]:
    yield f"# TYPE vllm:{name} {kind}"
    for id_, value in values:
        yield f'vllm:{name}{{model_name="{_label(id_)}"}} {value}'


def _histogram(name: str, id_: str, histogram: Histogram) -> Iterator[str]:
    label = f'model_name="{_label(id_)}"'
    counts = list(accumulate(histogram.counts))
    for bound, count in zip((*histogram.bounds, "+Inf"), counts, strict=True):
        yield f'vllm:{name}_bucket{{le="{bound}",{label}}} {count}'
    yield f"vllm:{name}_sum{{{label}}} {histogram.total}"
    yield f"vllm:{name}_count{{{label}}} {counts[-1]}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
