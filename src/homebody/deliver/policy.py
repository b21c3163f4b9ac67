"""Which roles there are to choose for, and how long each one's metadata are believed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from homebody.deliver.keys import ROLES, WEB
from homebody.errors import PublishError, UsageError
from homebody.files import replacing

EXPIRES = {"root": 730, "targets": 365, "snapshot": 30, "timestamp": 7, WEB: 7}
"""Days that each role's metadata are believed for; docs/delivery.md says why these."""


def check_roles(
    rotate: Collection[str], thresholds: Mapping[str, tuple[int, int]], expires: Mapping[str, int]
) -> None:
    """Refuse roles that there are not, and numbers that make no sense.

    Raises:
        UsageError: the first that is wrong.
    """
    for what, given, known in (
        ("rotate", rotate, (*ROLES, WEB)),
        ("threshold", thresholds, ROLES),
        ("expires", expires, (*ROLES, WEB)),
    ):
        if unknown := sorted(set(given) - set(known)):
            raise UsageError(f"{what} names {unknown[0]!r}; the roles are {', '.join(known)}")
    for role, (needed, count) in thresholds.items():
        if not 1 <= needed <= count <= 16:
            raise UsageError(
                f"a threshold of {needed} of {count} for {role}; give 1 to 16 keys and need at "
                "least one of them, at most all"
            )
    for role, days in expires.items():
        if not 1 <= days <= 3650:
            raise UsageError(f"{role} would expire after {days} days; give 1 to 3650")


def policy(path: Path, expires: Mapping[str, int]) -> dict[str, int]:
    """How long metadata are believed: the defaults, what was chosen before, what is chosen now."""
    days = dict(EXPIRES)
    try:
        days |= msgspec.json.decode(path.read_bytes()[:4096], type=dict[str, int])
        check_roles((), {}, days)
    except FileNotFoundError:
        pass
    except (OSError, msgspec.MsgspecError, UsageError) as error:
        raise PublishError(f"{path} is not a table of days by role ({error}); remove it") from None
    if expires:
        days |= expires
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(path, PublishError) as draft:
            draft.write_bytes(msgspec.json.encode(days) + b"\n")
    return days
