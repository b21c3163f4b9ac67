"""``homebody battery``: the battery twin, one module a verb."""

from __future__ import annotations

import typer

from homebody.cli.battery.demo import demo

app = typer.Typer(
    no_args_is_help=True,
    help="A model of one for a battery: train it, let it follow one cell, look at it.",
)
app.command("demo")(demo)


@app.callback()
def battery() -> None:
    """A model of one for a battery: train it, let it follow one cell, look at it."""
