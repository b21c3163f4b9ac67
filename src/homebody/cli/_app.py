"""The root command, and how every error becomes one line."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from homebody import __version__
from homebody.cli import (
    battery,
    check,
    compile,
    fleet,
    inspect,
    pack,
    photo,
    profile,
    publish,
    rollback,
    serve,
    serve_model,
    shrink,
    studio,
    text,
    train,
    update,
)
from homebody.errors import HomebodyError

app = typer.Typer(
    name="homebody",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Machine-learning features that stay home: on this device, offline, checked.",
    epilog="Try:  homebody photo suggest examples/coast.jpg",
)
app.add_typer(photo.app, name="photo")
app.add_typer(fleet.app, name="fleet")
app.add_typer(battery.app, name="battery")
app.add_typer(text.app, name="text")
app.command("check")(check.check)
app.command("inspect")(inspect.inspect)
app.command("pack")(pack.pack)
app.command("key")(pack.key)
app.command("train")(train.train)
app.command("compile")(compile.compile)
app.command("profile")(profile.profile)
app.command("shrink")(shrink.shrink)
app.command("compare")(shrink.compare)
app.command("publish")(publish.publish)
app.command("update")(update.update)
app.command("rollback")(rollback.rollback)
app.command("studio")(studio.studio)
app.command("serve")(serve.serve)
app.command("serve-model")(serve_model.serve_model)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"homebody {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Machine-learning features that stay home: on this device, offline, checked."""


def main() -> None:
    """Run the command line; a :class:`HomebodyError` is one line on stderr and exit code 2."""
    try:
        app()
    except HomebodyError as error:
        print(f"homebody: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; leaving quietly is what it expects.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
