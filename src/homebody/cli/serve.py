"""``homebody serve``: a published repository, and the studio, to many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    repo: Annotated[Path, typer.Argument(help="A folder that homebody publish wrote.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 8771,
    rate: Annotated[
        int, typer.Option(min=1, help="Requests a second; more are answered with 429.")
    ] = 4000,
    connections: Annotated[
        int, typer.Option(min=1, help="Open connections; more are answered with 503.")
    ] = 512,
    studio: Annotated[
        bool, typer.Option("--studio/--no-studio", help="Serve the studio at / as well.")
    ] = True,
) -> None:
    """Serve a published repository, and the studio, which then updates from it.

    The repository is at /repo/, counts at /metrics, a sign of life at /healthz. It is static files,
    so any web server or object store will do as well.

    Examples:

      homebody serve repo/

      homebody serve repo/ --host 0.0.0.0 --port 80 --rate 2000 --no-studio
    """
    from homebody.errors import ServeError
    from homebody.server.app import App
    from homebody.server.repository import Repository
    from homebody.server.run import listening, server
    from homebody.server.serving import Serving

    serving = Serving(Repository(repo), studio=studio)
    app = App(serving.site(), rate=rate)
    running = server(app, connections=connections)
    sock = listening(host, port)
    shown = f"[{host}]" if ":" in host else host
    at = f"http://{shown}:{sock.getsockname()[1]}/"
    typer.echo(f"{repo} is at {at}repo/" + (f", the studio at {at}" if serving.studio else ""))
    if serving.lacks:
        typer.echo(f"homebody: {serving.lacks}", err=True)
    with serving.following(lambda site: setattr(app, "site", site)):
        running.run(sockets=[sock])
    if not running.started:
        raise ServeError("the server did not start; its own words are above")
