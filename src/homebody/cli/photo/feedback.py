"""``homebody photo feedback``: what the owner picked teaches what to suggest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homebody.cli.photo._options import BundleFile, CatalogFile
from homebody.errors import UsageError


def feedback(
    photo: Annotated[Path, typer.Argument(help="The photo.", show_default=False)],
    owner: Annotated[
        Path, typer.Option(help="The owner's state; made if it is not there.", show_default=False)
    ],
    picked: Annotated[
        str | None, typer.Option(help="The preset that was taken: its id or name.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="None of them was taken.")] = False,
    shown: Annotated[
        str | None,
        typer.Option(help="What was offered, ids with commas; else what suggest offers now."),
    ] = None,
    category: Annotated[
        str | None, typer.Option(help="What the photo is, if it was taken for something else.")
    ] = None,
    catalog: CatalogFile = None,
    bundle: BundleFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Learn from what the owner picked for a photo, so that the suggestions become theirs.

    The state stays in the file that you name; nothing leaves this device.

    Examples:

      homebody photo feedback coast.jpg --picked wrm-03 --owner me.safetensors

      homebody photo feedback coast.jpg --none --owner me.safetensors
    """
    if (picked is None) != none:
        raise UsageError("say either --picked PRESET or --none")
    from homebody.cli import _print
    from homebody.cli.photo.suggest import opened
    from homebody.features.photo.feature import WORKING_SIDE
    from homebody.features.photo.owner import load_preference, photo_key, save_preference
    from homebody.features.photo.preference import Preference
    from homebody.features.photo.suggest import suggest
    from homebody.image import decode

    with opened(bundle, catalog) as feature:
        known = feature.catalog
        base = feature.bundle.sha256
        preference = load_preference(owner, base) if owner.exists() else Preference(base)
        taken = None if picked is None else known.preset(picked).id
        scores = feature.scores(decode(photo, at_least=WORKING_SIDE).flat)
        if shown is None:
            found = suggest(known, scores, preference=preference, lead=category)
            offered = [preset.id for preset in found.presets]
        else:
            offered = [known.preset(id.strip()).id for id in shown.split(",")]
        lesson = preference.learn(
            known, scores, offered, taken, category=category, photo=photo_key(photo)
        )
    if lesson.status == "learned":
        save_preference(preference, owner)
    if as_json:
        _print.json_line(
            {
                "photo": str(photo),
                "picked": taken,
                "shown": offered,
                "status": lesson.status,
                "expected": None if lesson.status == "duplicate" else round(lesson.expected, 6),
                "learned": preference.learned,
                "owner": str(owner),
            }
        )
    elif lesson.status == "learned":
        what = "none of them" if taken is None else known.preset(taken).name
        print(
            f"{owner}: learned from {what} (expected with {lesson.expected:.0%}); "
            f"choices so far: {preference.learned}"
        )
    else:
        print(f"{owner}: the same pick for the same photo again; it counts once")
