"""Clients with tools, one for each protocol, and an in-process way to ask the mock providers."""

import json
from typing import Any, NamedTuple, Protocol

from mock_providers import MockApp, load_profile

JSON = dict[str, Any]


class Called(NamedTuple):
    """A tool call of the model."""

    id: str
    name: str


class Conversation(Protocol):
    """A conversation in one protocol's own JSON."""

    def __init__(self, asked: str, tools: list[str], *, parallel: bool) -> None: ...

    async def reply(self, choice: str) -> list[Called]:
        """Ask with this `tool_choice` ("auto", "required" or a name), keep the reply, return its calls."""
        ...

    def results(self, results: list[tuple[Called, str, bool]], words: str = "") -> None:
        """Add results, each with whether it is an error; `words`: of the user, beside them."""
        ...

    @property
    def last_words(self) -> str:
        """The text of the last reply."""
        ...


class Provider:
    """Mock providers asked over ASGI."""

    def __init__(self) -> None:
        self._app = MockApp(load_profile("unpaced"), seed=1)

    async def post(self, provider: str, path: str, body: JSON) -> JSON:
        """The JSON of the reply, whose status is 200."""
        sent: list[Any] = []
        raw = json.dumps(body).encode()

        async def receive() -> JSON:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(part: Any) -> None:
            sent.append(part)

        headers = {
            b"authorization": b"Bearer k",
            b"anthropic-version": b"2026-10-21",
            b"x-goog-api-key": b"k",
        }
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": list(headers.items()),
        }
        await self._app.provider(provider)(scope, receive, send)
        read: JSON = json.loads(b"".join(part.get("body", b"") for part in sent))
        assert sent[0]["status"] == 200, read
        return read


PROVIDER = Provider()
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


class OpenAIConversation:
    """Chat completions."""

    def __init__(self, asked: str, tools: list[str], *, parallel: bool) -> None:
        self.last_words = ""
        self._messages: list[JSON] = [{"role": "user", "content": asked}]
        self._body: JSON = {
            "model": "gpt-4o",
            "tools": [
                {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in tools
            ],
            "parallel_tool_calls": parallel,
        }

    async def reply(self, choice: str) -> list[Called]:
        named = {"type": "function", "function": {"name": choice}}
        picked = choice if choice in ("auto", "required") else named
        body = {**self._body, "messages": self._messages, "tool_choice": picked}
        reply = await PROVIDER.post("openai", "/v1/chat/completions", body)
        message = reply["choices"][0]["message"]
        self._messages.append(message)
        self.last_words = message["content"] or ""
        return [Called(call["id"], call["function"]["name"]) for call in message.get("tool_calls", ())]

    def results(self, results: list[tuple[Called, str, bool]], words: str = "") -> None:
        for call, text, failed in results:
            content = f"Error: {text}" if failed else text
            self._messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
        if words:
            self._messages.append({"role": "user", "content": words})


class AnthropicConversation:
    """Messages."""

    def __init__(self, asked: str, tools: list[str], *, parallel: bool) -> None:
        self.last_words = ""
        self._parallel = parallel
        self._messages: list[JSON] = [{"role": "user", "content": asked}]
        declared = [{"name": name, "input_schema": SCHEMA} for name in tools]
        self._body: JSON = {"model": "claude-sonnet-4-5", "max_tokens": 1000, "tools": declared}

    async def reply(self, choice: str) -> list[Called]:
        kinds: dict[str, JSON] = {"auto": {"type": "auto"}, "required": {"type": "any"}}
        picked = kinds.get(choice, {"type": "tool", "name": choice})
        picked = picked | {"disable_parallel_tool_use": not self._parallel}
        body = {**self._body, "messages": self._messages, "tool_choice": picked}
        reply = await PROVIDER.post("anthropic", "/v1/messages", body)
        self._messages.append({"role": "assistant", "content": reply["content"]})
        self.last_words = "".join(block.get("text", "") for block in reply["content"])
        return [
            Called(block["id"], block["name"]) for block in reply["content"] if block["type"] == "tool_use"
        ]

    def results(self, results: list[tuple[Called, str, bool]], words: str = "") -> None:
        blocks: list[JSON] = [
            {"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": failed}
            for call, text, failed in results
        ]
        said = [{"type": "text", "text": words}] if words else []
        self._messages.append({"role": "user", "content": blocks + said})


class GeminiConversation:
    """generateContent, which has no switch for parallel calls."""

    def __init__(self, asked: str, tools: list[str], *, parallel: bool) -> None:
        self.last_words = ""
        self._contents: list[JSON] = [{"role": "user", "parts": [{"text": asked}]}]
        declared = [{"name": name, "parametersJsonSchema": SCHEMA} for name in tools]
        self._body: JSON = {"tools": [{"functionDeclarations": declared}]}

    async def reply(self, choice: str) -> list[Called]:
        config: JSON = {"mode": "AUTO" if choice == "auto" else "ANY"}
        if choice not in ("auto", "required"):
            config["allowedFunctionNames"] = [choice]
        body = {**self._body, "contents": self._contents, "toolConfig": {"functionCallingConfig": config}}
        path = "/v1beta/models/gemini-2.5-flash:generateContent"
        reply = await PROVIDER.post("gemini", path, body)
        content = reply["candidates"][0]["content"]
        self._contents.append(content)
        self.last_words = "".join(part.get("text", "") for part in content["parts"])
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        return [Called(call.get("id", call["name"]), call["name"]) for call in calls]

    def results(self, results: list[tuple[Called, str, bool]], words: str = "") -> None:
        parts: list[JSON] = []
        for call, text, failed in results:
            response = {"error" if failed else "output": text}
            parts.append({"functionResponse": {"name": call.name, "response": response}})
        said = [{"text": words}] if words else []
        self._contents.append({"role": "user", "parts": parts + said})


PROTOCOLS: dict[str, type[Conversation]] = {
    "openai": OpenAIConversation,
    "anthropic": AnthropicConversation,
    "gemini": GeminiConversation,
}
