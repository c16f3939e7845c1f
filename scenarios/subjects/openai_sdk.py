"""The plain openai SDK: streaming, default timeouts and retries."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from openai import AsyncOpenAI


class Chat:
    """One SDK client for the life of the program."""

    def __init__(self, providers: Mapping[str, Any]) -> None:
        endpoint = providers["openai"]
        self._client = AsyncOpenAI(base_url=endpoint.base_url, api_key=endpoint.api_key)

    async def __call__(self, messages: Any, max_tokens: int) -> AsyncIterator[str]:
        stream: Any = await self._client.chat.completions.create(
            model="gpt-4o", messages=messages, max_tokens=max_tokens, stream=True
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    async def aclose(self) -> None:
        """Close the SDK's connections."""
        await self._client.close()
