from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import stat
import sys
import tarfile
from pathlib import Path

import pytest

from homebody.server import vendor


def archive(*members: tuple[str, bytes | None]) -> bytes:
    """An npm archive of these files; None makes a symbolic link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data or b"")
            if data is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info, io.BytesIO(data or b""))
    return out.getvalue()


def integrity(data: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def test_extract_takes_only_what_is_named():
    data = archive(("package/a.js", b"A"), ("package/../evil", b"E"), ("/etc/evil", b"E"))
    assert vendor.extract(data, {"a.js": "x/a.js"}) == {"x/a.js": b"A"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (archive(("package/a.js", None)), "no plain file"),
        (archive(("package/a.js", b"1"), ("package/a.js", b"2")), "no plain file"),
        (archive(("package/b.js", b"1")), "lacks x/a.js"),
        (archive(("package/a.js", b"1"))[:-20], "cannot be read"),
        (b"not an archive", "cannot be read"),
        (b"", "cannot be read"),
    ],
    # An archive holds the time at which it was made, so its bytes are no name for a test.
    ids=["a folder", "twice", "absent", "truncated", "no archive", "empty"],
)
def test_hostile_archives_are_refused(data, says):
    with pytest.raises(vendor.VendorError, match=says):
        vendor.extract(data, {"a.js": "x/a.js"})


def test_only_the_pinned_archive_is_used():
    data = archive(("package/a.js", b"A"))
    vendor.check_integrity("a", data, integrity(data))
    with pytest.raises(vendor.VendorError, match="not the archive"):
        vendor.check_integrity("a", data + b" ", integrity(data))
    with pytest.raises(vendor.VendorError, match="not the archive"):
        vendor.check_integrity("a", data, "sha1-" + integrity(data)[7:])


def test_modules_lose_bare_imports_and_source_maps():
    data = b'import { a } from "@litertjs/wasm-utils";\nrun();\n//# sourceMappingURL=index.js.map'
    made = vendor.adapt("litert/index.js", data, vendor.pins()["imports"])
    assert made == b'import { a } from "./wasm-utils.js";\nrun();'
    assert vendor.adapt("x.wasm", data, vendor.pins()["imports"]) == data


def test_pins_are_exact():
    for package in vendor.pins()["packages"]:
        assert package["version"][0].isdigit()
        assert len(base64.b64decode(package["integrity"].removeprefix("sha512-"))) == 64
    assert all(not name.startswith("/") and ".." not in name for name in vendor.names())


def a_client(folder: Path, monkeypatch, body: str) -> None:
    """Put an ``npm`` on the PATH that is ``body``, a Python program."""
    npm = folder / "npm"
    npm.write_text(f"#!{sys.executable}\n{body}")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def pinned(monkeypatch, tmp_path):
    """Pins of one small package that a stand-in for npm packs."""
    data = archive(("package/dist/index.js", b"export const a = 1;\n"))
    found = {
        "packages": [
            {
                "name": "a",
                "version": "1.0.0",
                "integrity": integrity(data),
                "files": {"dist/index.js": "a/index.js"},
            }
        ],
        "imports": {},
        "notice": {"a/NOTICE": "whose it is\n"},
    }
    monkeypatch.setattr(vendor, "pins", lambda: json.loads(json.dumps(found)))
    (tmp_path / "a-1.0.0.tgz").write_bytes(data)
    return tmp_path / "a-1.0.0.tgz"


def test_vendor_fills_its_folder_whole(pinned, tmp_path, monkeypatch):
    a_client(
        tmp_path,
        monkeypatch,
        f"import shutil, sys\nassert sys.argv[1:3] == ['pack', 'a@1.0.0']\n"
        f"assert '--ignore-scripts' in sys.argv\nshutil.copy({str(pinned)!r}, 'a-1.0.0.tgz')\n",
    )
    dest = tmp_path / "dest"
    assert vendor.missing(dest) == ["a/NOTICE", "a/index.js"]
    made = vendor.vendor(dest)
    assert [path.relative_to(dest).as_posix() for path in made] == ["a/NOTICE", "a/index.js"]
    assert (dest / "a/index.js").read_bytes() == b"export const a = 1;\n"
    assert vendor.missing(dest) == []
    (dest / "pins.json").write_text("{}")
    assert vendor.missing(dest) == ["a/NOTICE", "a/index.js"], "other pins made these"
    (dest / "stale").write_bytes(b"")
    vendor.vendor(dest)
    assert not (dest / "stale").exists()
    assert [path.name for path in tmp_path.glob(".vendor-*")] == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise SystemExit(1)", "failed"),
        ("pass", "failed"),
        ("open('a-1.0.0.tgz', 'wb').write(b'other bytes')", "not the archive"),
    ],
)
def test_what_was_there_stays_when_vendoring_fails(pinned, tmp_path, monkeypatch, body, says):
    a_client(tmp_path, monkeypatch, body)
    dest = tmp_path / "dest"
    dest.mkdir()
    (dest / "old").write_bytes(b"old")
    with pytest.raises(vendor.VendorError, match=says):
        vendor.vendor(dest)
    assert [path.name for path in dest.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.glob(".vendor-*")] == []


def test_without_npm_one_line_says_so(pinned, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert vendor.main([str(tmp_path / "dest")]) == 2
    error = capsys.readouterr().err
    assert error == "homebody: npm was not found; install Node.js with npm and run this again\n"
    assert not (tmp_path / "dest").exists()
