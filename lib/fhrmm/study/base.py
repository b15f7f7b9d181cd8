"""The base of all models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of all plan models: nothing unknown, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
