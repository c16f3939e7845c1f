"""The providers that a stack can call: the codec of each, and its batch API if it has one."""

from ..batch.anthropic import AnthropicBatches
from ..batch.openai import OpenAIBatches
from ..upstream.endpoint import ProviderName
from ..wire.anthropic.codec import AnthropicCodec
from ..wire.codec import Codec
from ..wire.openai.codec import OpenAICodec

CODECS: dict[ProviderName, Codec] = {
    "openai": OpenAICodec(),
    "anthropic": AnthropicCodec(),
    "together": OpenAICodec(),
}

BATCHES: dict[ProviderName, type[OpenAIBatches] | type[AnthropicBatches]] = {
    "openai": OpenAIBatches,
    "anthropic": AnthropicBatches,
}
