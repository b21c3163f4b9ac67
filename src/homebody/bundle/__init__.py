"""The bundle: a feature's one file, read strictly and written reproducibly.

    with homebody.bundle.open("for-this-photo.hb") as bundle:
        bundle.manifest.task
        model = bundle.view(bundle.manifest.model.entry)

`homebody.bundle.samples` and `homebody.bundle.comparison` need numpy and are imported by name.
docs/bundle-format.md describes the file; attacks/ holds one file for each refusal.
"""

from __future__ import annotations

from homebody.bundle.folder import read_folder
from homebody.bundle.limits import Limits
from homebody.bundle.manifest import (
    FORMAT,
    Entry,
    Manifest,
    Model,
    OutputTolerance,
    SamplesReference,
    TensorSpec,
    Tolerances,
    read_manifest,
    write_manifest,
)
from homebody.bundle.reader import Bundle, open
from homebody.bundle.signature import (
    Signature,
    generate_key,
    load_private_key,
    load_public_key,
)
from homebody.bundle.writer import sign, write

__all__ = [
    "FORMAT",
    "Bundle",
    "Entry",
    "Limits",
    "Manifest",
    "Model",
    "OutputTolerance",
    "SamplesReference",
    "Signature",
    "TensorSpec",
    "Tolerances",
    "generate_key",
    "load_private_key",
    "load_public_key",
    "open",
    "read_folder",
    "read_manifest",
    "sign",
    "write",
    "write_manifest",
]
