"""The base class of everything that a user configures, and the units that options share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Options(BaseModel):
    """A frozen value that refuses unknown keys and wrong types: `true` and `"5"` are no numbers.

    An integer is taken for a float. A field that is a tuple says `Field(strict=False)`, since TOML and JSON
    have only arrays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
