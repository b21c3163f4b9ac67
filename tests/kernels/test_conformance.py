"""The golden vectors, run natively and as WebAssembly."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from homebody import kernels
from tests.kernels.builds import ROOT, gcc, linux, module_of, plain

FOLDER = ROOT / "conformance" / "kernels"
WASM = kernels.NATIVE / "homebody.wasm"


make = module_of(FOLDER / "make.py")
GOLDENS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
CASES = [
    pytest.param(kernel, case, id=f"{kernel}: {case['name']}")
    for kernel in make.inputs()
    for case in GOLDENS[kernel]["cases"]
]


@pytest.mark.parametrize(("kernel", "case"), CASES)
def test_native(kernel, case):
    result = make.run(kernel, case)
    assert list(result.shape) == case["shape"]
    assert result.dtype.name == case["dtype"]
    assert [value.item() for value in result.ravel()[:6]] == case["head"]
    assert hashlib.sha256(result.tobytes()).hexdigest() == case["sha256"]


def test_files_hold_the_inputs_that_make_states():
    stated = {"shape", "dtype", "head", "sha256"}
    for kernel, cases in make.inputs().items():
        held = [
            {key: value for key, value in case.items() if key not in stated}
            for case in GOLDENS[kernel]["cases"]
        ]
        assert held == json.loads(json.dumps(cases)), kernel


def hashes() -> list[str]:
    """SHA-256 of what the kernels give for every case."""
    return [
        hashlib.sha256(make.run(kernel, case).tobytes()).hexdigest()
        for kernel in make.inputs()
        for case in GOLDENS[kernel]["cases"]
    ]


@pytest.mark.parametrize("build", [plain, pytest.param(gcc, marks=linux)])
def test_other_builds(build):
    expected = [case["sha256"] for kernel in make.inputs() for case in GOLDENS[kernel]["cases"]]
    assert build().answer(hashes) == expected


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not WASM.exists(), reason="the WebAssembly module was not built")
def test_wasm_gives_the_same_bytes():
    command = ["node", str(Path(__file__).with_name("run_wasm.mjs")), str(WASM), str(FOLDER)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    expected = [
        {"kernel": kernel, "name": case["name"], "head": case["head"], "sha256": case["sha256"]}
        for kernel in sorted(make.inputs())
        for case in GOLDENS[kernel]["cases"]
    ]
    assert found == expected


@pytest.mark.skipif(not WASM.exists(), reason="the WebAssembly module was not built")
@pytest.mark.parametrize(
    "module", sorted(kernels.NATIVE.glob("*.wasm")), ids=lambda path: path.name
)
def test_wasm_imports_nothing(module):
    # A module is a list of sections: an id, a LEB128 size, the content. Section 2 is the imports.
    data = module.read_bytes()
    assert data[:8] == b"\0asm\1\0\0\0"
    place, sections = 8, []
    while place < len(data):
        sections.append(data[place])
        size = shift = 0
        while True:
            place += 1
            size |= (data[place] & 127) << shift
            shift += 7
            if data[place] < 128:
                break
        place += 1 + size
    assert sections
    assert 2 not in sections
