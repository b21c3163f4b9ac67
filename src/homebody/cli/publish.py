"""``homebody publish``: bundles and catalogs as signed static files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homebody.errors import UsageError

if TYPE_CHECKING:
    from homebody.deliver import Publication


def publish(
    repository: Annotated[Path, typer.Argument(help="The folder to publish into.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Bundles (NAME.hb) and catalogs (FEATURE.json, or FEATURE=FILE). None: renew.",
            show_default=False,
        ),
    ] = None,
    keys: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of private keys, outside the repository; several may be given. New keys "
            "go to the first. Default: one for this repository in your configuration folder.",
            show_default=False,
        ),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Only renew what expires; give no files.")
    ] = False,
    expires: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=DAYS",
            help="How long a role's metadata are believed; remembered. Defaults: root=730 "
            "targets=365 snapshot=30 timestamp=7 web=7.",
            show_default=False,
        ),
    ] = None,
    rotate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE",
            help="Give a role new keys: root, targets, snapshot, timestamp or web.",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=M/N", help="Require M signatures of N keys.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Publish bundles and catalogs as signed static files, for any object store or CDN.

    Every bundle is run on its own samples first. Devices trust REPO/metadata/1.root.json: ship it
    with the app. Run it with --refresh every day, so that nobody can replay an old state for long.

    Examples:

      homebody publish repo/ for-this-photo.hb for-this-photo.json --keys ~/keys

      homebody publish repo/ --refresh --keys ~/keys

      homebody publish repo/ --rotate timestamp --rotate snapshot --keys ~/keys --keys /media/root
    """
    from homebody import deliver
    from homebody.cli import _print

    if refresh and files:
        raise UsageError("--refresh renews what is published; give files or --refresh, not both")
    if not files and not refresh and not rotate and not threshold:
        raise UsageError("nothing to publish; name bundles or catalogs, or renew with --refresh")
    done = deliver.publish(
        repository,
        [_file(text) for text in files or []],
        keys=keys or [_default_keys(repository)],
        expires=dict(_number(text) for text in expires or []),
        rotate=rotate or [],
        thresholds=dict(_threshold(text) for text in threshold or []),
        track=lambda items: _print.progress(items, len(items), "files"),
    )
    if as_json:
        _print.json_line(done)
    else:
        _show(done)


def _file(text: str) -> Path | tuple[str, Path]:
    found = re.fullmatch(r"([a-z][a-z0-9-]{0,63})=(.+)", text)
    return (found[1], Path(found[2])) if found and not Path(text).exists() else Path(text)


def _number(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([a-z]+)=(\d{1,5})d?", text)
    if not found:
        raise UsageError(f"--expires {text!r} is not ROLE=DAYS, e.g. timestamp=7")
    return found[1], int(found[2])


def _threshold(text: str) -> tuple[str, tuple[int, int]]:
    found = re.fullmatch(r"([a-z]+)=(\d{1,2})/(\d{1,2})", text)
    if not found:
        raise UsageError(f"--threshold {text!r} is not ROLE=M/N, e.g. root=2/3")
    return found[1], (int(found[2]), int(found[3]))


def _default_keys(repository: Path) -> Path:
    """A folder for this repository alone: what two of them signed could be mixed."""
    from hashlib import sha256

    import platformdirs

    path = repository.resolve()
    name = f"{path.name or 'repository'}-{sha256(os.fsencode(path)).hexdigest()[:8]}"
    return platformdirs.user_config_path("homebody", appauthor=False) / "keys" / name


def _show(done: Publication) -> None:
    from rich.table import Table

    from homebody.cli import _print

    console = _print.console()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("", "kind", "name", "version", "size", "sha256"):
        table.add_column(name, overflow="fold")
    for file in done.files:
        mark = "[green]new[/]" if file.new else ""
        table.add_row(
            mark, file.kind, file.name, file.version, _print.size(file.size), file.sha256[:16]
        )
    console.print(table, highlight=False)
    roles = ", ".join(
        f"{role} {version} until {done.expires[role][:10]}"
        for role, version in done.versions.items()
    )
    console.print(f"[dim]{roles}[/]", highlight=False)
    for line in (f"devices trust {done.root}", f"browsers pin {done.web_key}"):
        console.print(f"[dim]{line}[/]", highlight=False, soft_wrap=True)
    for note in done.notes:
        console.print(f"[yellow]note[/]  {note}", highlight=False)
