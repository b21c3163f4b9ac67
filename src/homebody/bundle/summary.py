"""A bundle in words, for ``homebody inspect``."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from homebody.bundle._json import printable
from homebody.bundle.manifest import TensorSpec, Tolerances
from homebody.bundle.operations import Operation, operation_name
from homebody.bundle.reader import Bundle


class EntrySummary(Struct, frozen=True, kw_only=True):
    """An entry's name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


class Summary(Struct, frozen=True, kw_only=True):
    """What a person wants to know of a bundle; `msgspec.json.encode` makes it JSON."""

    path: str | None
    size: int
    sha256: str
    format: str
    name: str
    version: str
    task: str
    minimum_runtime: str
    licence: str
    signed_by: str | None
    """The public key that the signature entry states, in hexadecimal; None if unsigned."""
    verified: bool
    """Whether that signature was verified against a pinned key."""
    input: tuple[str, ...]
    model: str
    model_inputs: tuple[str, ...]
    model_outputs: tuple[str, ...]
    output: tuple[str, ...]
    assets: dict[str, str]
    samples: int
    tolerances: tuple[str, ...]
    entries: tuple[EntrySummary, ...]
    provenance: dict[str, str]

    def text(self) -> str:
        """The summary as lines of text."""
        key = "unsigned"
        if self.signed_by:
            how = "verified" if self.verified else "not verified: no key is pinned"
            key = f"signed with {self.signed_by[:16]}… ({how})"
        lines = [
            f"{self.name} {self.version}  ({self.task})",
            f"  file        {_size(self.size)}, sha256 {self.sha256[:16]}…",
            f"  format      {self.format}, homebody {self.minimum_runtime} or later",
            f"  licence     {self.licence}",
            f"  signature   {key}",
            *_column("input", self.input),
            *_column("model", (self.model, *(f"in  {one}" for one in self.model_inputs))),
            *_column("", (f"out {one}" for one in self.model_outputs)),
            *_column("output", self.output),
            *_column("assets", (f"{name}: {entry}" for name, entry in self.assets.items())),
            *_column("samples", (str(self.samples),)),
            *_column("tolerances", self.tolerances),
            *_column("provenance", (f"{name}: {it}" for name, it in self.provenance.items())),
            *_column("entries", (f"{_size(one.size):>9}  {one.name}" for one in self.entries)),
        ]
        return "\n".join(printable(line) for line in lines)


def summarize(bundle: Bundle) -> Summary:
    """Summarize an open bundle.

    >>> import homebody.bundle
    >>> with homebody.bundle.open("conformance/bundle/minimal.hb") as bundle:
    ...     print(summarize(bundle).text().splitlines()[0])
    minimal 1.0.0  (classify-image)
    """
    manifest = bundle.manifest
    samples = bundle.json(manifest.samples.entry) if manifest.samples else []
    return Summary(
        path=bundle.path,
        size=bundle.size,
        sha256=bundle.sha256,
        format=manifest.format,
        name=manifest.name,
        version=manifest.version,
        task=manifest.task,
        minimum_runtime=manifest.minimum_runtime,
        licence=manifest.licence,
        signed_by=bundle.signature.public_key if bundle.signature else None,
        verified=bundle.verified,
        input=tuple(describe(operation) for operation in manifest.input),
        model=f"{manifest.model.entry}, {_size(manifest.entries[manifest.model.entry].size)}",
        model_inputs=tuple(_tensor(one) for one in manifest.model.inputs),
        model_outputs=tuple(_tensor(one) for one in manifest.model.outputs),
        output=tuple(describe(operation) for operation in manifest.output),
        assets=manifest.assets,
        samples=len(samples) if isinstance(samples, list) else 0,
        tolerances=tuple(_tolerances(manifest.tolerances)),
        entries=tuple(
            EntrySummary(name=name, size=one.size, sha256=one.sha256)
            for name, one in sorted(manifest.entries.items())
        ),
        provenance=manifest.provenance,
    )


def describe(operation: Operation) -> str:
    """An operation in one line.

    >>> from homebody.bundle.operations import Resize
    >>> describe(Resize(short_side=227))
    'resize.v1 short_side=227'
    """
    parameters = {**msgspec.to_builtins(operation)}
    del parameters["op"]
    return " ".join(
        [operation_name(operation), *(f"{key}={_plain(it)}" for key, it in parameters.items())]
    )


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_plain(one) for one in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _tensor(tensor: TensorSpec) -> str:
    return f"{tensor.name} {tensor.dtype}[{', '.join(str(n) for n in tensor.shape)}]"


def _tolerances(tolerances: Tolerances) -> Iterable[str]:
    yield "input: bit for bit"
    for output, one in tolerances.outputs.items():
        if one.sqnr_db is not None:
            yield f"{output}: SQNR at least {one.sqnr_db:g} dB"
        if one.max_abs is not None:
            yield f"{output}: largest difference at most {one.max_abs:g}"
        if one.top1 is not None:
            yield f"{output}: same arg-max in at least {one.top1:.1%} of the samples"
    yield f"answers: equal in at least {tolerances.answers:.1%} of the samples"


def _column(title: str, lines: Iterable[str]) -> list[str]:
    return [f"  {title if index == 0 else '':<11} {line}" for index, line in enumerate(lines)]


def _size(size: int) -> str:
    if size < 1 << 10:
        return f"{size} B"
    return f"{size / (1 << 10):.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"
