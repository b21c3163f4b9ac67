from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from homebody.server import vendor


def homebody(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "homebody", *arguments], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("verb", ["studio", "serve"])
def test_help_has_examples(verb):
    shown = homebody(verb, "--help")
    assert shown.returncode == 0
    assert f"homebody {verb}" in shown.stdout
    assert "Example" in shown.stdout


def test_a_folder_that_is_no_repository_is_one_line(tmp_path):
    for arguments in (("serve", str(tmp_path)), ("studio", "--repo", str(tmp_path))):
        run = homebody(*arguments)
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr.count("\n") == 1
        assert "is not a published repository" in run.stderr


@pytest.mark.skipif(bool(vendor.missing()), reason="needs python -m homebody.server.vendor")
def test_a_taken_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = homebody("studio", "--no-open", "--port", str(port))
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"homebody: port {port} cannot be used")
    assert run.stderr.count("\n") == 1


def test_without_vendored_files_one_line_says_how_to_add_them(tmp_path):
    code = (
        "from pathlib import Path; from homebody.server import vendor, studio;"
        f"vendor.DEST = Path({str(tmp_path)!r});"
        "studio.studio_files.__kwdefaults__['vendored'] = vendor.DEST;"
        "import sys; sys.argv[1:] = ['studio', '--no-open', '--port', '0'];"
        "from homebody.cli import main; main()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.count("\n") == 1
    assert "python -m homebody.server.vendor" in run.stderr
