"""The plain anthropic SDK: streaming, default timeouts and retries."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from anthropic import AsyncAnthropic


class Chat:
    """One SDK client for the life of the program."""

    def __init__(self, providers: Mapping[str, Any]) -> None:
        endpoint = providers["anthropic"]
        self._client = AsyncAnthropic(base_url=endpoint.base_url, api_key=endpoint.api_key)

    async def __call__(self, messages: list[dict[str, str]], max_tokens: int) -> AsyncIterator[str]:
        system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
        talk: Any = [m for m in messages if m["role"] != "system"]
        async with self._client.messages.stream(
            model="claude-sonnet", system=system, messages=talk, max_tokens=max_tokens
        ) as stream:
            async for text in stream.text_stream:
                yield text

    async def aclose(self) -> None:
        """Close the SDK's connections."""
        await self._client.close()
