"""``homebody serve-model``: a compiled model, to many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve_model(
    folder: Annotated[Path, typer.Argument(help="A folder that homebody compile wrote.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 8772,
    name: Annotated[
        str | None, typer.Option(help="The model's name in URLs.", show_default="its file's")
    ] = None,
    max_batch: Annotated[
        int, typer.Option(min=1, max=4096, help="Rows computed together, at most.")
    ] = 16,
    max_delay: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds to wait for other requests.")
    ] = 0,
    queue: Annotated[
        int, typer.Option(min=1, help="Requests that wait; more are answered with 429.")
    ] = 256,
    connections: Annotated[
        int, typer.Option(min=1, help="Open connections; more are answered with 503.")
    ] = 512,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads of one call.", show_default="as it was compiled"),
    ] = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Build here; an engine that crashes ends this.")
    ] = False,
) -> None:
    """Serve a compiled model: KServe's v2 and TensorFlow Serving's predict protocols.

    Requests that arrive while the model computes are computed together next. Health is at
    /v2/health/ready, counts at /metrics.

    Examples:

      homebody serve-model compiled/

      homebody serve-model compiled/ --port 8000 --max-batch 8 --max-delay 5
    """
    from homebody.engines import load
    from homebody.engines.folder import read
    from homebody.errors import ServeError
    from homebody.server.predict.app import PredictApp
    from homebody.server.run import listening, server

    model = load(folder, threads=threads, isolated=not in_process)
    app = PredictApp(
        model,
        name or Path(read(folder)[0].source).stem,
        max_batch=max_batch,
        max_delay_s=max_delay / 1e3,
        queue=queue,
    )
    running = server(app, connections=connections)
    sock = listening(host, port)
    shown = f"[{host}]" if ":" in host else host
    at = f"http://{shown}:{sock.getsockname()[1]}"
    known = app.signature.name
    typer.echo(f"{known} is at {at}/v2/models/{known}/infer and {at}/v1/models/{known}:predict")
    running.run(sockets=[sock])
    if not running.started:
        raise ServeError("the server did not start; its own words are above")
