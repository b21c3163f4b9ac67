"""``homebody battery train``: a twin from your own measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def train(
    pristine: Annotated[
        list[Path], typer.Argument(help="Discharges of new batteries: .csv or .parquet files.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the twin (.hb).")],
    fleet: Annotated[
        Path | None,
        typer.Option(help="A folder with a discharge each of other, aged batteries."),
    ] = None,
    name: Annotated[str, typer.Option(help="What the bundle is called.")] = "battery",
    hidden: Annotated[
        str, typer.Option(help="The hidden layers' widths; the last one's is what adapts.")
    ] = "4,16,64,16,4",
    activation: Annotated[
        Literal["silu", "relu"], typer.Option(help="relu may die in narrow layers.")
    ] = "silu",
    epochs: Annotated[int, typer.Option(help="At most so many.", min=1)] = 200,
    spread: Annotated[
        float | None,
        typer.Option(help="Without a fleet: volts by which a battery may differ."),
    ] = None,
    noise: Annotated[
        float | None, typer.Option(help="Without a fleet: the voltage sensor's sigma in volts.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the training.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train a net on pristine discharges, and learn from a fleet how such batteries age.

    A file has columns for time, current, voltage and charge, in s, A, V and C, or with their
    units in their names (charge_Ah).

    Example:  homebody battery train new-*.csv --fleet aged/ -o cell.hb
    """
    from homebody.cli import _print
    from homebody.errors import BundleFileError, UsageError
    from homebody.features.battery import measurements
    from homebody.features.battery import train as training
    from homebody.files import verify_writable

    try:
        widths = [int(width) for width in hidden.split(",")]
    except ValueError:
        raise UsageError(f"--hidden is {hidden!r:.60}; give widths, as in 4,16,64,16,4") from None
    verify_writable(output, BundleFileError)
    new = [measurements.read(path) for path in pristine]
    aged = measurements.read_folder(fleet) if fleet else ()
    found = training.train(
        new, aged, hidden=widths, activation=activation, epochs=epochs, spread=spread,
        noise=noise, seed=seed,
    )  # fmt: skip
    found.pack(output, name=name)
    report = found.report
    if as_json:
        _print.json_line(report)
        return
    console = _print.console()
    for note in report.notes:
        console.print(f"[yellow]note[/]  {note}", highlight=False)
    prior = (
        f"prior of {report.batteries} batteries" if report.batteries else "prior without a fleet"
    )
    console.print(
        f"{output}: RMSE {report.held_out_rmse:.3g} V on a tenth of {report.measurements:,} "
        f"measurements, held out; {report.rank} of {report.directions} directions; {prior}",
        highlight=False,
    )
