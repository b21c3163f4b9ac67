"""``homebody studio``: the editor, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def studio(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 8770,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
    repo: Annotated[
        Path | None,
        typer.Option(help="Look for updates in this published repository."),
    ] = None,
) -> None:
    """Edit photos in the browser: suggestions, presets, export. No photo leaves this machine.

    Serves on 127.0.0.1 until Ctrl+C. After the first visit the page works without it.

    Examples:

      homebody studio

      homebody studio --port 0 --no-open
    """
    import webbrowser
    from contextlib import ExitStack

    from homebody.server.local import LocalServer
    from homebody.server.repository import Repository
    from homebody.server.serving import Serving

    serving = Serving(Repository(repo) if repo else None, compress=False)
    if serving.lacks:
        raise serving.lacks
    with ExitStack() as stack:
        server = stack.enter_context(LocalServer(serving.site(), port))
        stack.enter_context(serving.following(lambda site: setattr(server, "site", site)))
        typer.echo(f"the studio is at {server.url} (Ctrl+C ends it)")
        if open_page:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("")
