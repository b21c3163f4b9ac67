"""What every operation of a pipeline is: a struct whose key ``op`` names it with its version."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

EntryName: TypeAlias = Annotated[str, Meta(min_length=1)]
"""The name of an entry that the manifest lists."""


class Step(Struct, frozen=True, forbid_unknown_fields=True, tag_field="op"):
    """One operation; a subclass's fields are its parameters."""
