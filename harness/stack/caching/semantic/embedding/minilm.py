"""all-MiniLM-L6-v2 in this process, without torch: 6 layers of BERT in numpy, 384 dimensions.

The weights come in a package (`pip install 'brownout[minilm]'`) whose code is not run: they are read from its
archive and checked by SHA-256 against those that the authors published (Apache-2.0). Texts are cut at 256
tokens, as by the authors. The work runs in a thread.
"""

import asyncio
import importlib
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from ....core.errors import ConfigError
from ....core.facts import CallFacts
from .embedder import Vectors, unit

PACKAGE, ARCHIVE = "all_minilm_l6_v2", "model.zip"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, WIDTH = 6, 12, 384
MAX_TOKENS = 256
BATCH = 32
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
Floats = NDArray[np.float32]


class MiniLM:
    """Raises `ConfigError` when the weights or the tokenizer are not installed, or not the ones expected."""

    def __init__(self) -> None:
        self._weights, self._tokenizer = _load()

    @property
    def dimensions(self) -> int:
        return WIDTH

    async def embed(self, texts: Sequence[str], facts: CallFacts | None = None) -> Vectors:
        """A vector for each text, computed in a thread."""
        return await asyncio.to_thread(self.vectors, list(texts))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text. Texts of equal length are batched, so none is padded."""
        tokens = [encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]
        by_length: dict[int, list[int]] = {}
        for n, ids in enumerate(tokens):
            by_length.setdefault(len(ids), []).append(n)
        vectors = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for places in by_length.values():
            for n in range(0, len(places), BATCH):
                some = places[n : n + BATCH]
                vectors[some] = self._forward(np.array([tokens[place] for place in some])).mean(axis=1)
        return unit(vectors)

    def _forward(self, ids: NDArray[np.int64]) -> Floats:
        w = self._weights
        at = w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = w["embeddings.word_embeddings.weight"][ids] + at + w["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for n in range(LAYERS):
            layer = f"encoder.layer.{n}"
            x = self._norm(x + self._attend(x, f"{layer}.attention"), f"{layer}.attention.output.LayerNorm")
            inner = _gelu(self._linear(x, f"{layer}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        return x

    def _attend(self, x: Floats, name: str) -> Floats:
        q, k, v = (self._heads(self._linear(x, f"{name}.self.{part}")) for part in ("query", "key", "value"))
        scores = q @ k.swapaxes(-1, -2) / np.float32(np.sqrt(WIDTH / HEADS))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (weights / weights.sum(axis=-1, keepdims=True)) @ v
        return self._linear(mixed.swapaxes(1, 2).reshape(x.shape), f"{name}.output.dense")

    def _heads(self, x: Floats) -> Floats:
        return x.reshape(*x.shape[:2], HEADS, WIDTH // HEADS).swapaxes(1, 2)

    def _linear(self, x: Floats, name: str) -> Floats:
        flat = x.reshape(-1, x.shape[-1]) @ self._weights[f"{name}.weight"].T  # one product for all texts
        y: Floats = flat.reshape(*x.shape[:-1], -1) + self._weights[f"{name}.bias"]
        return y

    def _norm(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-12))
        y: Floats = centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return y


def _gelu(x: Floats) -> Floats:
    """x · Φ(x), with the error function of Abramowitz and Stegun 7.1.26 (to 1.5e-7)."""
    z = np.abs(x) / np.float32(np.sqrt(2))
    t: Floats = (1 / (1 + np.float32(0.3275911) * z)).astype(np.float32)
    series: Floats = np.zeros_like(x)
    for factor in reversed(_ERF):
        series = ((series + np.float32(factor)) * t).astype(np.float32)
    return (x * (1 + np.sign(x) * (1 - series * np.exp(-z * z))) / 2).astype(np.float32)


@lru_cache(maxsize=1)
def _load() -> tuple[dict[str, Floats], Any]:
    """The weights and the tokenizer."""
    spec = find_spec(PACKAGE)
    try:
        tokenizers: Any = importlib.import_module("tokenizers")
    except ImportError:
        tokenizers = None
    if spec is None or spec.origin is None or tokenizers is None:
        raise ConfigError(
            "semantic_cache.embedder: \"minilm\" is not installed, expected pip install 'brownout[minilm]'"
        )
    archive = Path(spec.origin).parent / ARCHIVE
    with zipfile.ZipFile(archive) as files:
        weights, words = files.read("model.safetensors"), files.read("tokenizer.json")
    if sha256(weights).hexdigest() != WEIGHTS_SHA256:
        raise ConfigError(f"{archive}: model.safetensors: expected the weights of SHA-256 {WEIGHTS_SHA256}")
    tokenizer = tokenizers.Tokenizer.from_str(words.decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return _tensors(weights), tokenizer


def _tensors(data: bytes) -> dict[str, Floats]:
    """The float32 tensors of a safetensors file: a JSON header's length, the header, the numbers."""
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in orjson.loads(data[8:start]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(data[start + begin : start + end], "<f4").reshape(entry["shape"])
    return tensors
