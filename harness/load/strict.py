"""The base of the options in scenario files."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Frozen. Unknown keys are errors; `true` is not 1, "5" is not 5, but a whole number can be a float."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
