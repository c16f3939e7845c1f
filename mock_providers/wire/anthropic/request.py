"""Reads the JSON of a messages request, or of a request to count its tokens, to a Request."""

from dataclasses import replace

from ...exchange.bad_field import BadField
from ...exchange.request import Request, digest_of
from ...prompt_cache.prefix import breakpoints
from ..fields import Fields, names
from .betas import beta_fields
from .cache_control import without_cache_control
from .prompt import read_prompt
from .thinking import check_thinking, read_thinking
from .tools import read_json_schema, read_tool_choice, read_tools

_SAMPLING = ("temperature", "top_p", "top_k")
_FIRST_VERSION_WITHOUT_SAMPLING = "2026-10-21"
_PARAMETERS = names(
    """
    betas cache_control container context_management diagnostics inference_geo max_tokens mcp_servers
    messages metadata model output_config output_format service_tier speed stop_sequences stream system
    temperature thinking tool_choice tools top_k top_p user_profile_id workspace_id
    """
)
# Fields that label or route a request, or choose how the reply is sent, do not change its content.
_NOT_IN_DIGEST = names("metadata model service_tier stream user_profile_id workspace_id")
_COUNTED = names(
    """
    betas cache_control context_management mcp_servers messages model output_config output_format speed
    system thinking tool_choice tools
    """
)


def read_request(body: object, version: str, betas: tuple[str, ...] = ()) -> Request:
    """Read the JSON of a messages request; raises BadField.

    `version` is its `anthropic-version`; `betas` are those of its header, which add fields (default: none).
    """
    fields = Fields(body)
    fields.only(_PARAMETERS | beta_fields(betas))
    for name in _SAMPLING:
        value = fields.read(name, "number")
        if value is not None and version >= _FIRST_VERSION_WITHOUT_SAMPLING:
            raise BadField((name,), "unknown")
        if value is not None and name != "top_k" and not 0 <= value <= 1:
            raise BadField((name,), "unsupported", "range: 0..1")
    fields.text("model")
    fields.require("max_tokens")
    request = replace(
        _prompt(fields, body),
        max_tokens=fields.at_least("max_tokens", 1),
        stop=fields.texts("stop_sequences"),
        stream=fields.flag("stream"),
        include_usage=True,
        service_tier=_service_tier(fields),
        thinking=read_thinking(fields),
    )
    return check_thinking(request)


def _service_tier(fields: Fields) -> str:
    """Default "auto": priority where the organisation has such capacity; "standard_only": never."""
    if not fields.present("service_tier"):
        return "priority"
    return {"auto": "priority", "standard_only": ""}[fields.choice("service_tier", ("auto", "standard_only"))]


def read_count_request(body: object, betas: tuple[str, ...] = ()) -> Request:
    """Read the JSON of a request to count the tokens of a prompt; `betas` as above. Raises BadField."""
    fields = Fields(body)
    fields.only(_COUNTED | beta_fields(betas))
    return _prompt(fields, body)


def _prompt(fields: Fields, body: object) -> Request:
    """The Request without its limits on the length of the reply."""
    model = fields.text("model")
    tools = read_tools(fields)
    tool_choice, several = read_tool_choice(fields, tools)
    messages = read_prompt(fields)
    content = without_cache_control(body) if breakpoints(messages) else body
    return Request(
        model=model,
        messages=messages,
        digest=digest_of(content if isinstance(content, dict) else {}, _NOT_IN_DIGEST),
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=several,
        json_schema=read_json_schema(fields),
    )
