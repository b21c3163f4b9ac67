"""``homebody photo federate``: the next catalog from what many owners pick, privately."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def federate(
    states: Annotated[
        list[Path],
        typer.Argument(help="Owners' states, each of another owner.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where to write the catalog.", show_default=False)
    ],
    catalog: Annotated[
        Path | None, typer.Option(help="The catalog that the owners had; the built-in one if none.")
    ] = None,
    epsilon: Annotated[
        float, typer.Option(help="Privacy to spend; inf for no noise at all.")
    ] = 1.0,
    delta: Annotated[float, typer.Option(help="The probability that more is spent.")] = 1e-6,
    clip: Annotated[float, typer.Option(help="The most that one owner counts.")] = 1.0,
    central: Annotated[
        bool, typer.Option("--central", help="Add the noise to the sum instead of at each owner.")
    ] = False,
    ledger: Annotated[
        Path | None,
        typer.Option(help="A file that adds up what all rounds with these owners have spent."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Move the curated lists towards what owners pick, and print the privacy that it cost.

    Simulates a round on this machine: of each owner only the clipped and noised update goes into
    the sum. Between machines, the same runs over Flower: see docs/federated.md.

    Example:  homebody photo federate owners/*.safetensors --epsilon 4 -o next-catalog.json
    """
    from homebody.adapt.federated import Accountant, Privacy, message, total
    from homebody.adapt.federated.ledger import Ledger
    from homebody.cli import _print
    from homebody.features.photo.catalog import catalog_in_use, save_catalog
    from homebody.features.photo.federated import moved, next_catalog, owner_update
    from homebody.features.photo.owner import load_preference

    known = catalog_in_use(catalog)
    kept = Ledger.read(ledger) if ledger is not None else Ledger()
    privacy = Privacy.spending(
        epsilon, delta=delta, owners=len(states), clip=clip,
        where="central" if central else "distributed",
    )  # fmt: skip
    noisy = total(
        (message(owner_update(load_preference(state).habits, known), privacy) for state in states),
        privacy,
    )
    following = next_catalog(known, noisy, privacy.noise * clip)
    # Before the catalog: what was spent is on record even if the catalog cannot be written.
    kept = kept.and_round(privacy.noise, privacy.sampling)
    if ledger is not None:
        kept.write(ledger)
    save_catalog(following, out)
    accountant = Accountant(delta)
    accountant.add(privacy.noise, privacy.sampling)
    spent, all_rounds = accountant.spent(), kept.spent(delta)
    changed = moved(known, following)
    if as_json:
        _print.json_line(
            {
                "catalog": str(out),
                "version": following.version,
                "owners": len(states),
                "moved": changed,
                "epsilon": _finite(spent.epsilon),
                "delta": delta,
                "noise": privacy.noise,
                "clip": clip,
                "where": privacy.where,
                "alone": _finite(privacy.alone(delta)),
                "all_rounds": {"epsilon": _finite(all_rounds.epsilon), "rounds": all_rounds.rounds},
            }
        )
        return
    places = sum(changed.values())
    print(f"{out}: catalog {following.version}; {places} presets moved in {len(changed)} lists")
    print(
        f"{len(states)} owners; spent epsilon {spent.epsilon:.3g} at delta {delta:g} "
        f"(noise {privacy.noise:.3g} times the clip, {privacy.where}); "
        f"one owner's message alone: epsilon {privacy.alone(delta):.3g}"
    )
    if all_rounds.rounds > 1:
        print(
            f"all {all_rounds.rounds} rounds: epsilon {all_rounds.epsilon:.3g} at delta {delta:g}"
        )


def _finite(value: float) -> float | str:
    return value if value < float("inf") else "inf"
