"""Deliver bundles and catalogs: publish static files, update a device from them (`[deliver]`).

    publish(Path("repo"), [Path("for-this-photo.hb")], keys=[Path("keys")])

    client = Client(source="https://example.org/repo", root=Path("root.json").read_bytes())
    client.update()
    client.current("for-this-photo")       # the path of the bundle to load

`homebody.installed` reads what is installed and needs none of this. docs/delivery.md describes
the repository, the device's folder, and what each attack meets.
"""

from __future__ import annotations

from homebody.errors import MissingExtraError

try:
    import cryptography as _cryptography  # noqa: F401
    import tuf as _tuf  # noqa: F401
except ImportError:
    raise MissingExtraError("deliver", "publishing and updating") from None

from homebody.deliver.client import Client
from homebody.deliver.fetch import FolderFetcher, HttpFetcher
from homebody.deliver.outcome import InUse, Item, Outcome, Status
from homebody.deliver.policy import EXPIRES
from homebody.deliver.publisher import Publication, PublishedFile, publish
from homebody.deliver.schedule import next_check

__all__ = [
    "EXPIRES",
    "Client",
    "FolderFetcher",
    "HttpFetcher",
    "InUse",
    "Item",
    "Outcome",
    "Publication",
    "PublishedFile",
    "Status",
    "next_check",
    "publish",
]
