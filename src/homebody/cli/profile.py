"""``homebody profile``: where a compiled model's time goes, and which node an engine gets wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from homebody.engines.compiled import Arrays, CompiledModel
    from homebody.engines.faults import Fault
    from homebody.engines.profile import Profile

SHOWN = 10
"""As many kernels are listed."""


def profile(
    folder: Annotated[Path, typer.Argument(help="What homebody compile wrote.")],
    inputs: Annotated[
        Path | None,
        typer.Option(help="A folder of photos, or an .npz file; without it, seeded noise."),
    ] = None,
    pipeline: Annotated[
        str, typer.Option(help="A bundle or built-in feature whose pipeline prepares the photos.")
    ] = "for-this-photo",
    batch: Annotated[int, typer.Option(help="Rows of one call.", min=1)] = 1,
    runs: Annotated[int, typer.Option(help="Calls to time.", min=1, max=100_000)] = 50,
    threads: Annotated[
        int | None, typer.Option(help="Threads of one call.", min=1, show_default="as compiled")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Write the first calls as a Chrome trace, for Perfetto.")
    ] = None,
    find_fault: Annotated[
        str | None,
        typer.Option(help="Instead, find the first node that this engine computes otherwise."),
    ] = None,
    least_sqnr: Annotated[
        float | None,
        typer.Option(help="What counts as otherwise, in dB.", show_default="by precision"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Tell where a compiled model's time goes: segments, kernels, borders, reading inputs.

    Examples:

      homebody profile compiled/ --inputs photos/

      homebody profile compiled/ --inputs inputs.npz --batch 8 --trace trace.json

      homebody profile compiled/ --inputs inputs.npz --find-fault openvino
    """
    from homebody.cli import _print
    from homebody.cli._inputs import reader
    from homebody.engines import load
    from homebody.engines.profile import profile as run
    from homebody.engines.trace import Trace
    from homebody.errors import EngineError, UsageError
    from homebody.files import verify_writable

    if least_sqnr is not None and find_fault is None:
        raise UsageError("--least-sqnr is for --find-fault ENGINE; give both")
    if trace is not None:
        verify_writable(trace, EngineError)
    with _print.steps("loading", quiet=as_json) as say:
        model = load(folder, threads=threads, told=lambda engine: say(f"building with {engine}"))
    read = reader(model, inputs, pipeline, batch)
    if find_fault is not None:
        _fault(model, find_fault, read(0), least_sqnr, as_json)
        return
    calls = None if trace is None else Trace(folder.name)
    bar = _print.progress(range(runs), runs, "calls", quiet=as_json)
    done = run(model, (read(n) for n in range(runs)), trace=calls, told=lambda: next(bar, None))
    for _ in bar:
        pass
    if trace is not None and calls is not None:
        calls.write(trace)
    if as_json:
        _print.json_line(done)
        return
    _show(done, inputs is not None and inputs.is_dir())
    if trace is not None:
        _print.console().print(f"written: {trace}", markup=False)


def _fault(
    model: CompiledModel, name: str, inputs: Arrays, least: float | None, as_json: bool
) -> None:
    from homebody.cli import _print
    from homebody.engines.choose import LEAST_SQNR
    from homebody.engines.engine import Reason
    from homebody.engines.faults import find_faulty
    from homebody.engines.loading import ENGINES
    from homebody.errors import UsageError

    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}; choose from {', '.join(ENGINES)}")
    engine = ENGINES[name]()
    version = engine.probe()
    if isinstance(version, Reason):
        raise UsageError(f"{name} is not here: {version.detail}")
    options = model.settings.options
    least = LEAST_SQNR[options.precision] if least is None else least
    graph = model.graph.at({n: tuple(value.shape) for n, value in inputs.items()})
    with _print.steps(f"halving with {name}", quiet=as_json):
        fault = find_faulty(graph, engine, model.native, options, inputs, least_sqnr=least)
    if as_json:
        _print.json_line(_found(name, least, fault))
        return
    out = _print.console()
    if fault is None:
        out.print(f"{name} is right: every output is {least:g} dB or more from the native one")
        return
    out.print(f"{name} first strays at {', '.join(fault.nodes)}", markup=False)
    out.print(f"  {fault.sqnr:.1f} dB from the native answer once it runs there")
    out.print(f"  found with {fault.builds} builds among {len(graph.nodes)} nodes")


def _found(name: str, least: float, fault: Fault | None) -> dict[str, object]:
    if fault is None:
        return {"engine": name, "least_sqnr_db": least, "nodes": []}
    return {
        "engine": name,
        "least_sqnr_db": least,
        "nodes": fault.nodes,
        "sqnr_db": fault.sqnr,
        "builds": fault.builds,
    }


def _show(done: Profile, photos: bool) -> None:
    from rich.text import Text

    from homebody.cli import _print

    out = _print.console()
    named = ", ".join("×".join(map(str, shape)) for shape in done.shapes.values())
    out.print(
        f"{named}: [bold]{done.engine}[/], {1e3 * done.seconds:.2f} ms a call "
        f"(median of {done.calls}), borders {1e3 * done.boundary_seconds:.3f} ms "
        f"({100 * done.boundary_share:.1f} %)"
    )
    table = _table("segment>", "engine", "nodes>", "ms>", "share>")
    for one in done.segments:
        table.add_row(
            str(one.number), one.engine, str(one.nodes), f"{1e3 * one.seconds:.3f}",
            f"{100 * one.share:.1f} %",
        )  # fmt: skip
    out.print(table)
    told = [kernel for kernel in done.kernels if kernel.kind != "LiteRT"]  # its is the whole call
    if told:
        table = _table("slowest kernels", "kind", "segment>", "ms>", "share>")
        total = sum(kernel.seconds for kernel in told) or 1.0
        for kernel in told[:SHOWN]:
            table.add_row(
                Text(_print.tensor(kernel.name)), Text(kernel.kind), str(kernel.segment),
                f"{1e3 * kernel.seconds:.3f}", f"{100 * kernel.seconds / total:.1f} %",
            )  # fmt: skip
        out.print(table)
    for line in _bottleneck(done, photos):
        out.print(line)


def _table(*columns: str) -> Table:
    """A table without lines; columns whose name ends in > are flush right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left")
    return table


def _bottleneck(done: Profile, photos: bool) -> Iterator[str]:
    if not photos:
        return
    reading, computing = done.rows_a_second["reading"], done.rows_a_second["computing"]
    yield (
        f"decoding and preparing photos: {1e3 * done.input_seconds:.2f} ms a call, "
        f"{reading:,.0f} photos a second; computing: {computing:,.0f}"
    )
    if done.input_bound:
        yield (
            f"[bold]Reading is the bottleneck[/]: a quicker engine gains at most "
            f"{100 * done.seconds / (done.seconds + done.input_seconds):.0f} % here. Decode in "
            "other threads, or give smaller photos."
        )
    else:
        yield "Computing is the bottleneck, not reading."
