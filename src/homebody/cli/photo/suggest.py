"""``homebody photo suggest``: a photo's category and the presets that suit it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homebody.cli.photo._options import BundleFile, CatalogFile
from homebody.errors import FeatureError, ImageError, UsageError

if TYPE_CHECKING:
    from homebody.features.photo import Answer, ForThisPhoto
    from homebody.features.photo.ahead import Decoded
    from homebody.features.photo.preference import Preference


def suggest(
    photos: Annotated[
        list[Path], typer.Argument(help="Photos, or folders of photos.", show_default=False)
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line for each photo.")
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the contact sheet (.png or .jpg); for many photos a folder.",
        ),
    ] = None,
    count: Annotated[int, typer.Option(help="How many presets.", min=1, max=100)] = 6,
    tier_mix: Annotated[str, typer.Option(help="Free to member presets, as FREE:MEMBER.")] = "3:3",
    member: Annotated[
        bool, typer.Option("--member", help="Everything is available: the mix does not matter.")
    ] = False,
    catalog: CatalogFile = None,
    bundle: BundleFile = None,
    public_key: Annotated[
        Path | None, typer.Option(help="Refuse the bundle unless this Ed25519 key signed it.")
    ] = None,
    owner: Annotated[
        Path | None,
        typer.Option(help="Suggest what this owner likes: the state that feedback writes."),
    ] = None,
) -> None:
    """Say what a photo is and suggest presets that suit it, rendered as a contact sheet.

    One photo prints a table and writes PHOTO-suggested.jpg beside you; many photos print one JSON
    line each. A photo that cannot be read is reported and skipped, and the exit code is 1.

    Examples:

      homebody photo suggest coast.jpg

      homebody photo suggest holidays/ --sheet sheets/ > answers.jsonl
    """
    from homebody.cli import _print
    from homebody.features.photo.ahead import decode_ahead
    from homebody.features.photo.feature import WORKING_SIDE

    mix = _parse_mix(tier_mix)
    paths = list(_expand(photos))
    many = len(paths) != 1 or photos[0].is_dir()
    if sheet is not None and many:
        _make_folder(sheet)
    with opened(bundle, catalog, public_key) as feature:
        preference = None
        if owner is not None:
            from homebody.features.photo.owner import load_preference

            preference = load_preference(owner, feature.bundle.sha256)
        options = _Options(count, mix, member, preference)
        stream = decode_ahead(paths, at_least=WORKING_SIDE)
        if many:
            _many(feature, _print.progress(stream, len(paths), "photos"), sheet, options)
            return
        target = sheet
        if target is None and not as_json:
            target = Path(f"{paths[0].stem}-suggested.jpg")
        answer = _answer(feature, next(stream), target, options)
        if as_json:
            _print.json_line(answer)
        else:
            _show(answer, target)


def opened(
    bundle: Path | None = None, catalog: Path | None = None, public_key: Path | None = None
) -> ForThisPhoto:
    """For This Photo, ready to answer.

    Raises:
        FeatureError: the bundle is of another task.
    """
    import homebody
    from homebody.features.photo import ForThisPhoto

    feature = homebody.load(bundle or "for-this-photo", public_key=public_key)
    if not isinstance(feature, ForThisPhoto):
        task = feature.manifest.task
        feature.close()
        raise FeatureError(
            f"{bundle} is of the task {task!r}; give a bundle of the task 'suggest-presets'"
        )
    if catalog is not None:
        feature.use_catalog(catalog)
    return feature


@dataclass(frozen=True)
class _Options:
    count: int
    tier_mix: tuple[int, int]
    member: bool
    preference: Preference | None


def _parse_mix(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,3}):(\d{1,3})", text)
    if match is None:
        raise UsageError(f"--tier-mix is {text!r}; give free and member as two numbers, e.g. 3:3")
    return int(match[1]), int(match[2])


def _expand(photos: list[Path]) -> Iterator[Path]:
    from homebody.cli._samples import photos_in

    for path in photos:
        if path.is_dir():
            yield from photos_in(path)
        else:
            yield path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the folder {folder} for the sheets: {error.strerror}; "
            "give another with --sheet"
        ) from error


def _answer(
    feature: ForThisPhoto, decoded: Decoded, sheet: Path | None, options: _Options
) -> Answer:
    from homebody.features.photo.feature import timed

    if isinstance(decoded.photo, ImageError):
        raise decoded.photo
    answer = timed(
        feature(
            decoded.photo,
            count=options.count,
            tier_mix=options.tier_mix,
            member=options.member,
            preference=options.preference,
        ),
        photo=str(decoded.path),
        decode=decoded.seconds,
    )
    if sheet is None:
        return answer
    from homebody.features.photo.preview import draw_sheet
    from homebody.features.photo.sheet import save_sheet

    start = time.perf_counter()
    save_sheet(draw_sheet(decoded.photo.flat, answer, feature.catalog), sheet)
    return timed(answer, render=time.perf_counter() - start)


def _many(
    feature: ForThisPhoto, photos: Iterator[Decoded], sheets: Path | None, options: _Options
) -> None:
    from homebody.cli import _print

    failed = total = 0
    for decoded in photos:
        total += 1
        target = sheets / f"{decoded.path.stem}-suggested.jpg" if sheets else None
        try:
            _print.json_line(_answer(feature, decoded, target, options))
        except ImageError as error:
            failed += 1
            print(f"homebody: {error}", file=sys.stderr)
    if failed:
        print(f"homebody: {failed} of {total} photos were skipped", file=sys.stderr)
        raise SystemExit(1)


def _show(answer: Answer, sheet: Path | None) -> None:
    from rich.table import Table

    from homebody.cli import _print

    console = _print.console()
    runner_up = [
        f"{score.id} {score.confidence:.0%}"
        for score in answer.categories[1:4]
        if score.confidence >= 0.01
    ]
    also = f"   [dim]then {', '.join(runner_up)}[/]" if runner_up else ""
    chosen = answer.category
    console.print(f"[bold]{chosen.name}[/]  {chosen.confidence:.0%}{also}", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("", "id", "preset", "family", "tier", "why"):
        table.add_column(name, overflow="fold")
    for number, preset in enumerate(answer.presets, 1):
        table.add_row(
            str(number), preset.id, preset.name, preset.family, preset.tier, preset.reason
        )
    console.print(table, highlight=False)
    for note in answer.notes:
        console.print(f"[yellow]note[/]  {note}", highlight=False)
    t = answer.timing_ms
    where = f"{sheet}   " if sheet else ""
    console.print(
        f"{where}[dim]{t.decode + t.model + t.suggest + t.render:.0f} ms, "
        f"catalog {answer.catalog_version}, {answer.bundle.name} {answer.bundle.version}[/]",
        highlight=False,
    )
