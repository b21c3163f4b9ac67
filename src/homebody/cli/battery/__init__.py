"""``homebody battery``: the battery twin, one module a verb."""

from __future__ import annotations

import typer

from homebody.cli.battery.demo import demo
from homebody.cli.battery.report import report
from homebody.cli.battery.stream import stream
from homebody.cli.battery.train import train

app = typer.Typer(
    no_args_is_help=True,
    help="A model of one for a battery: train it, let it follow one cell, look at it.",
)
app.command("demo")(demo)
app.command("train")(train)
app.command("stream")(stream)
app.command("report")(report)
