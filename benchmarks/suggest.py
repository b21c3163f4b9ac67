"""Whole-process cost of ``homebody photo suggest`` beside the same job in Keras and Pillow.

    pip install '.[bench]'
    python benchmarks/suggest.py                    one photo, cold, with its contact sheet
    python benchmarks/suggest.py --folder 1000      a folder's throughput and memory

Both run as a user would start them, in turn, several rounds; figures are medians. Peak memory is
the operating system's own (``ru_maxrss``). The peer is ``benchmarks/peers/keras_suggest.py``:
the same network and weights, presets, previews and page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "examples" / "dandelions.jpg"
PEER = ROOT / "benchmarks" / "peers" / "keras_suggest.py"


class Cost(NamedTuple):
    """One run of a process: wall and processor seconds, peak memory in MB."""

    wall: float
    cpu: float
    peak: float


def run(command: list[str], output: Path | None = None) -> Cost:
    """Run a command to its end, and read what it cost from the kernel."""
    with open(output or os.devnull, "wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"failed ({status}): {' '.join(command)}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def interleaved(
    commands: dict[str, list[str]], rounds: int, *, warm_up: bool = True
) -> dict[str, list[Cost]]:
    """One warm-up each, then every command in turn, ``rounds`` times."""
    for command in commands.values() if warm_up else ():
        run(command)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(command))
    return costs


def median(costs: list[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(*(statistics.median(figure) for figure in zip(*costs, strict=True)))


def prepare_peer(folder: Path) -> None:
    """Write what the peer reads: the model in Keras's own format, the map, tables and curation."""
    import numpy as np

    from homebody.features.photo.catalog import default_catalog
    from homebody.features.photo.class_map import CONTENT, shares
    from homebody.features.photo.look import compile_lut
    from homebody.features.photo.suggest import suggest
    from homebody.train import squeezenet, squeezenet_weights

    squeezenet(squeezenet_weights()).save(folder / "model.keras")
    catalog = default_catalog()
    np.save(folder / "map.npy", [[share.get(c, 0.0) for c in CONTENT] for share in shares()])
    curation = {c: [p.id for p in suggest(catalog, {c: 1.0}).presets] for c in CONTENT}
    (folder / "curation.json").write_text(json.dumps(curation))
    wanted = {preset for presets in curation.values() for preset in presets}
    luts = {
        p: (compile_lut(catalog.preset(p))[..., :3] / np.float32(32640)).astype(np.float32)
        for p in wanted
    }
    np.savez(folder / "luts.npz", **luts)


def homebody() -> list[str]:
    """The command as it is installed beside this interpreter."""
    found = shutil.which("homebody", path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit(
            "homebody is not installed beside this interpreter; pip install '.[bench]'"
        )
    return [found]


def table(costs: dict[str, list[Cost]], baseline: str) -> str:
    """Markdown: medians and the ratio of each peer to the baseline."""
    base = median(costs[baseline])
    lines = [
        "| | wall s | CPU s | peak MB | wall ratio | peak ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in costs.items():
        m = median(runs)
        lines.append(
            f"| {name} | {m.wall:.2f} | {m.cpu:.2f} | {m.peak:.0f} "
            f"| {m.wall / base.wall:.2f} | {m.peak / base.peak:.2f} |"
        )
    return "\n".join(lines)


def one_photo(photo: Path, folder: Path, rounds: int) -> None:
    """A cold process for one photo with its sheet, and the cost of importing."""
    size = subprocess.run(
        [sys.executable, "-c", f"from PIL import Image; print(*Image.open({str(photo)!r}).size)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    print(f"\n{photo.name}, {size[0]}×{size[1]}, one cold process with sheet, {rounds} rounds\n")
    suggest = [*homebody(), "photo", "suggest", str(photo), "--sheet", str(folder / "ours.jpg")]
    keras = [sys.executable, str(PEER), str(folder), str(photo), "--sheet", str(folder / "k.jpg")]
    print(table(interleaved({"homebody": suggest, "Keras + Pillow": keras}, rounds), "homebody"))

    imports = interleaved(
        {
            "python": [sys.executable, "-c", "pass"],
            "import homebody": [sys.executable, "-c", "import homebody"],
            "homebody --help": [*homebody(), "--help"],
        },
        3 * rounds,
    )
    bare = median(imports["python"]).wall
    print(f"\nover bare Python ({1000 * bare:.0f} ms), {3 * rounds} rounds\n")
    print("| | ms more |\n|---|---|")
    for name in ("import homebody", "homebody --help"):
        print(f"| {name} | {1000 * (median(imports[name]).wall - bare):.1f} |")


def many_photos(photo: Path, folder: Path, count: int, rounds: int) -> None:
    """A folder of ``count`` links to one photo: throughput, and memory against a tenth of it."""
    folders = {}
    for n in (count // 10, count):
        folders[n] = folder / f"photos-{n}"
        folders[n].mkdir()
        for i in range(n):
            (folders[n] / f"{i:05}.jpg").symlink_to(photo.resolve())
    suggest = [*homebody(), "photo", "suggest"]
    paths = [str(path) for path in sorted(folders[count].iterdir())]
    keras = [sys.executable, str(PEER), str(folder), *paths]
    commands = {"homebody": [*suggest, str(folders[count])], "Keras + Pillow": keras}
    print(f"\n{count} photos like {photo.name}, no sheets, {rounds} rounds\n")
    costs = interleaved(commands, rounds, warm_up=False)
    print(table(costs, "homebody"))
    for name, runs in costs.items():
        print(f"{name}: {count / median(runs).wall:.1f} photos/s")
    tenth = run([*suggest, str(folders[count // 10])])
    whole = median(costs["homebody"])
    peaks = f"{tenth.peak:.0f} MB for {count // 10}, {whole.peak:.0f} MB for {count}"
    print(f"peak memory of homebody: {peaks}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=int, metavar="N", help="time a folder of N photos instead")
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.prepare:
        prepare_peer(arguments.prepare)
        return
    cpu = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x]
    name = cpu[0].split(":")[1].strip() if cpu else platform.processor()
    print(f"{name}, {os.cpu_count()} cores, CPython {platform.python_version()}, "
          f"tensorflow {version('tensorflow-cpu')}, keras {version('keras')}, "
          f"pillow {version('pillow')}, homebody {version('homebody')}")  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        # In a process of its own: a child's ru_maxrss starts at its parent's size.
        run([sys.executable, __file__, "--prepare", str(folder)])
        if arguments.folder:
            many_photos(arguments.photo, folder, arguments.folder, min(arguments.rounds, 3))
        else:
            one_photo(arguments.photo, folder, arguments.rounds)


if __name__ == "__main__":
    main()
