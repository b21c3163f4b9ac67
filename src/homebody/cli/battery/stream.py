"""``homebody battery stream``: let one battery's twin go on learning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from homebody.features.battery.stream import StreamReport


def stream(
    data: Annotated[Path, typer.Argument(help="The battery's measurements: .csv or .parquet.")],
    bundle: Annotated[Path, typer.Option(help="The twin that homebody battery train wrote (.hb).")],
    state: Annotated[
        Path, typer.Option(help="The battery's owner state (.safetensors); made if absent.")
    ],
    asset: Annotated[str | None, typer.Option(help="The battery's name, for a new state.")] = None,
    new_cycle: Annotated[
        bool, typer.Option("--new-cycle", help="The file's clock starts anew.")
    ] = False,
    gate: Annotated[
        Literal["shadow", "interval"],
        typer.Option(help="For a new state: when to update."),
    ] = "shadow",
    robust: Annotated[
        bool, typer.Option(help="For a new state: let outliers hardly move the twin.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Learn from measurements that the twin has not seen yet, and keep what was learned.

    Streaming a growing file again takes up where the state left off.

    Example:  homebody battery stream cell-7.csv --bundle cell.hb --state cell-7.safetensors
    --asset "cell 7"
    """
    from homebody.adapt import Gate
    from homebody.cli import _print
    from homebody.errors import OwnerStateError
    from homebody.features.battery import measurements
    from homebody.features.battery import stream as streaming
    from homebody.files import verify_writable

    verify_writable(state, OwnerStateError)
    found = measurements.read(data, missing="keep")
    twin, resumed = streaming.open_twin(bundle, state, asset, robust=robust, gate=Gate(gate))
    done = streaming.stream(twin, found, resumed=resumed, new_cycle=new_cycle)
    done.twin.save(state)
    if as_json:
        _print.json_line(done.report)
    else:
        _show(done.report, state)


def _show(report: StreamReport, state: Path) -> None:
    from homebody.cli import _print

    console = _print.console()
    for note in report.notes:
        console.print(f"[yellow]note[/]  {note}", highlight=False)
    became = ", ".join(f"{count:,} {status}" for status, count in report.statuses.items())
    skipped = f"; {report.skipped:,} seen before" if report.skipped else ""
    console.print(
        f"{report.asset}: {report.measurements:,} measurements ({became}){skipped}; "
        f"updates: {report.updates}, alarms: {report.alarms}",
        highlight=False, markup=False,
    )  # fmt: skip
    if report.rmse is not None and report.pristine_rmse is not None:
        console.print(
            f"RMSE one step ahead {report.rmse:.3g} V, "
            f"pristine model {report.pristine_rmse:.3g} V; "
            f"{report.coverage_95:.0%} inside the 95 % interval",
            highlight=False,
        )
    console.print(f"wrote {state}", highlight=False, markup=False)
