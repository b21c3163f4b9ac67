"""Streaming: any input, and killed at any moment, nothing is lost and nothing is taken twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.adapt.fleet_data import measurements, parquet, prior_of

pytest.importorskip("pyarrow", reason="pip install 'homebody[fleet]'")

from homebody.adapt import Gate
from homebody.adapt.fleet import Checkpoint, Fleet, Source, stream

ROOT = Path(__file__).parents[2]

# Runs that end themselves, as kill -9 would, at the n-th call that changes what the disk holds:
# before it, or after it. Each is a fork of one interpreter that has started no thread yet.
KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow.csv, pyarrow.parquet
from tests.adapt.test_fleet_stream import run
NAMES = ("replace", "link", "fsync", "unlink")
REAL = {name: getattr(os, name) for name in NAMES}

def counted(deadline, made=[0]):
    def of(real):
        def call(*a, **k):
            for moment in ("before", "after"):
                made[0] += 1
                if made[0] == deadline:
                    os.kill(os.getpid(), signal.SIGKILL)
                if moment == "before":
                    result = real(*a, **k)
            return result
        return call
    for name in NAMES:
        setattr(os, name, of(REAL[name]))
    return made

def forked(here, deadline):
    child = os.fork()
    if child == 0:
        made = counted(deadline)
        run(str(here))
        (here / "made").write_text(str(made[0]))
        os._exit(0)
    return os.waitpid(child, 0)[1]

folder, stride = Path(sys.argv[1]), int(sys.argv[2])
(folder / "uncut").mkdir()
assert forked(folder / "uncut", 0) == 0
total = int((folder / "uncut" / "made").read_text())
for moment in range(1, total + 1, stride):
    here = folder / f"cut{moment}"
    here.mkdir()
    assert os.WTERMSIG(forked(here, moment)) == signal.SIGKILL
    assert forked(here, 0) == 0
    (here / "made").unlink()
print(total)
"""


def fleet() -> Fleet:
    return Fleet(prior_of(), unknown="add", step=60.0, gate=Gate(sigmas=0.5), window=2)


def run(folder: str) -> None:
    here = Path(folder)
    source = Source(here.parent / "input", batch=300)
    stream(fleet(), source, checkpoint=here / "fleet.ckpt", every=700, out=here / "out")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file there is, hidden ones too, but for the checkpoint before the last."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".previous")
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    parquet(measurements(prior_of(), 40, 3000), folder / "input")
    (folder / "whole").mkdir()
    run(str(folder / "whole"))
    return folder, contents(folder / "whole")


def test_a_whole_run_counts_every_row(whole):
    folder, files = whole
    import pyarrow.parquet as pq

    parts = [name for name in files if name.startswith("out/part-")]
    assert parts == [f"out/part-{n:015d}.parquet" for n in (0, 700, 1400, 2100, 2800)]
    rows = pq.read_table(folder / "whole" / "out")
    assert rows.num_rows == 3000
    assert set(rows["status"].to_pylist()) >= {"learned", "missing", "late", "duplicate"}
    again = fleet()
    position = Checkpoint(folder / "whole" / "fleet.ckpt").load(again)
    assert position["rows"] == 3000
    assert again.updates(again.assets).sum() == rows["status"].to_pylist().count("learned")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills as POSIX does")
def test_killed_at_every_change_of_the_disk_it_ends_with_the_same_bytes(whole):
    folder, files = whole
    stride = 1 if "HOMEBODY_EVERY_MOMENT" in os.environ else 17
    command = [sys.executable, "-c", KILLED, str(folder), str(stride)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 50
    cuts = list(folder.glob("cut*"))
    assert len(cuts) >= 5
    for here in cuts:
        assert contents(here) == files, here.name


def test_killed_at_random_it_ends_with_the_same_bytes(whole):
    """From outside, wherever it happens to be: in the kernels, in pyarrow, while writing."""
    folder, files = whole
    rng = np.random.default_rng(5)
    here = folder / "random"
    here.mkdir()
    killed = 0
    for _ in range(4):
        script = f"from tests.adapt.test_fleet_stream import run; run({str(here)!r}); print('done')"
        child = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
        # Seen from outside only by what it has written: kill once another part or more is there.
        wanted = len(list(here.rglob("part-*.parquet"))) + int(rng.integers(0, 2))
        while child.poll() is None and len(list(here.rglob("part-*.parquet"))) < wanted:
            pass
        child.kill()
        killed += child.wait() == -signal.SIGKILL
    run(str(here))
    assert killed > 0
    assert contents(here) == files


def test_a_damaged_checkpoint_is_noticed_and_the_previous_one_used(whole, tmp_path):
    _, files = whole
    parquet(measurements(prior_of(), 40, 3000), tmp_path / "input")
    here = tmp_path / "here"
    here.mkdir()
    run(str(here))
    path = here / "fleet.ckpt"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    again = fleet()
    assert Checkpoint(path).load(again)["rows"] == 2800
    run(str(here))
    assert contents(here) == files
