"""``homebody pack``: make a bundle out of a folder; ``homebody key``: make a key to sign it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pack(
    folder: Annotated[
        Path,
        typer.Argument(help="Holds manifest.json (without entries) and every entry's file."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write, NAME.hb.")],
    sign_key: Annotated[
        Path | None, typer.Option(help="Sign with this Ed25519 private key.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Pack a folder into a bundle, refused unless its samples run here as they were trained.

    Example:  homebody pack my-feature/ -o my-feature.hb --sign-key ~/.keys/homebody
    """
    import homebody
    from homebody import bundle
    from homebody.cli import _print

    key = bundle.load_private_key(sign_key) if sign_key else None
    manifest, entries = bundle.read_folder(folder)
    report = homebody.pack(output, manifest, entries, private_key=key)
    if as_json:
        _print.json_line({"path": str(output), "check": report})
    else:
        print(
            f"{output}: {report.name} {report.version}, {_print.size(output.stat().st_size)}, "
            f"{report.samples} samples run as trained, sha256 {report.sha256}"
        )


def key(
    file: Annotated[Path, typer.Argument(help="Where to write the private key (mode 0600).")],
) -> None:
    """Make an Ed25519 key to sign bundles with, and print its public half.

    Example:  homebody key ~/.keys/homebody
    """
    from homebody import bundle

    public = bundle.generate_key(file)
    print(f"{file}: keep this file to yourself; pin the public key {public.hex()}")
