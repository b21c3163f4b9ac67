"""How large anything in a bundle may be."""

from __future__ import annotations

from msgspec import Struct

MIB = 1 << 20


class Limits(Struct, frozen=True, kw_only=True):
    """Caps that the reader holds before it allocates; sizes are in bytes.

    The defaults suit a phone. Raise one for a server's model:

    >>> Limits(bundle_bytes=2 << 30, entry_bytes=2 << 30).bundle_bytes
    2147483648
    """

    bundle_bytes: int = 512 * MIB
    """The whole file."""
    entry_bytes: int = 512 * MIB
    """Any one entry."""
    entries: int = 1024
    """How many entries, manifest.json and signature included."""
    name_bytes: int = 200
    """The length of an entry's name."""
    manifest_bytes: int = 1 * MIB
    """manifest.json. The signature entry has a fixed cap of 1024 bytes."""
    json_bytes: int = 4 * MIB
    """Any other entry read as JSON."""
    json_depth: int = 32
    """How deep arrays and objects nest in any JSON entry."""
