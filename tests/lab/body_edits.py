"""Changes to a provider's responses on their way to the stack."""

from collections.abc import Callable, Mapping
from typing import Any

from mock_providers import AsgiApp, MockApp, Profile
from mock_providers.http.asgi import Receive, Scope, Send

BodyEdit = Callable[[bytes], bytes]
"""Applied to each part of a response's body."""


class EditedMockApp(MockApp):
    """Mock providers whose responses are changed by `edits`, by the provider's name."""

    def __init__(self, profile: Profile, edits: Mapping[str, BodyEdit | None], **options: Any) -> None:
        super().__init__(profile, **options)
        self._edits = edits

    def provider(self, name: str) -> AsgiApp:
        """The ASGI app of one provider, its edit applied."""
        app, edit = super().provider(name), self._edits.get(name)
        return app if edit is None else _with_body_edit(app, edit)


def _with_body_edit(app: AsgiApp, edit: BodyEdit) -> AsgiApp:
    async def edited(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_edited(message: Any) -> None:
            await send(message | {"body": edit(message["body"])} if message.get("body") else message)

        await app(scope, receive, send_edited)

    return edited
