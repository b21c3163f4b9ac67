from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from homebody.installed import Active, Installed, home, installed, read_active

DIGEST = "ab" * 32


def pointer(folder: Path, size: int = 4, **changes: object) -> Path:
    """A folder in which version 1.0.0 of `tiny` is installed."""
    from homebody import __version__

    item = Installed("1.0.0", DIGEST, size, __version__)
    active = Active(current={"bundles/tiny.hb": msgspec.structs.replace(item, **changes)})
    (folder / "files").mkdir(parents=True, exist_ok=True)
    file = folder / "files" / f"{DIGEST}.hb"
    file.write_bytes(b"four")
    (folder / "active.json").write_bytes(msgspec.json.encode(active))
    return file


def test_what_is_installed_is_found(tmp_path: Path) -> None:
    file = pointer(tmp_path)
    assert installed("tiny", folder=tmp_path) == file
    assert installed("tiny", "catalog", folder=tmp_path) is None
    assert installed("other", folder=tmp_path) is None


@pytest.mark.parametrize("changes", [{"runtime": "0.0.9"}, {"size": 5}, {"sha256": "cd" * 32}])
def test_what_does_not_fit_is_not_used(tmp_path: Path, changes: dict[str, object]) -> None:
    pointer(tmp_path, **changes)  # type: ignore[arg-type]
    assert installed("tiny", folder=tmp_path) is None


def test_the_environment_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEBODY_HOME", str(tmp_path))
    file = pointer(tmp_path)
    assert home() == tmp_path
    assert installed("tiny") == file


@pytest.mark.parametrize("name", ["../tiny", "tiny\0", "", "a" * 999, "tiny/../../x"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    pointer(tmp_path)
    assert installed(name, folder=tmp_path) is None


@pytest.mark.parametrize(
    "target", ["bundles/../../x.hb", "../x.hb", "bundles/tiny.json", "bundles/tiny.hb\n", "x"]
)
def test_a_pointer_cannot_name_what_is_outside(tmp_path: Path, target: str) -> None:
    pointer(tmp_path)
    text = (tmp_path / "active.json").read_text().replace("bundles/tiny.hb", target)
    (tmp_path / "active.json").write_text(text.replace("\n", "\\n"))
    assert read_active(tmp_path) == Active()


def test_a_pointer_that_is_far_too_large(tmp_path: Path) -> None:
    pointer(tmp_path)
    with (tmp_path / "active.json").open("ab") as file:
        file.write(b" " * (2 << 20))
    assert installed("tiny", folder=tmp_path) is None


def test_a_new_pointer_is_seen_at_once(tmp_path: Path) -> None:
    assert installed("tiny", folder=tmp_path) is None
    file = pointer(tmp_path)
    assert installed("tiny", folder=tmp_path) == file
    (tmp_path / "active.json").unlink()
    assert installed("tiny", folder=tmp_path) is None


def test_looking_costs_no_tuf_and_no_numpy() -> None:
    code = (
        "import sys; from homebody.installed import installed; installed('x');"
        "print([m for m in ('tuf', 'numpy', 'urllib3', 'cryptography') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
