"""The build script: what it builds where, and what it says when it cannot."""

from __future__ import annotations

import shutil

import pytest

from tests.kernels.builds import ROOT, module_of

build = module_of(ROOT / "kernels" / "build.py")


@pytest.mark.parametrize(
    ("platform", "target"),
    [
        ("linux-x86_64", "x86_64-linux-gnu.2.17"),
        ("linux-aarch64", "aarch64-linux-gnu.2.17"),
        ("linux-riscv64", None),
        ("macosx-11.0-arm64", "aarch64-macos.11.0"),
        ("macosx-10.9-x86_64", "x86_64-macos.11.0"),
        ("win-amd64", "x86_64-windows-gnu"),
        ("win-arm64", "aarch64-windows-gnu"),
        ("win32", "x86-windows-gnu"),
    ],
)
def test_targets(monkeypatch, platform, target):
    monkeypatch.setattr("sysconfig.get_platform", lambda: platform)
    assert build.zig_target() == target


def test_library_names_are_those_that_are_loaded():
    names = {build.library_name(system) for system in ("Linux", "Darwin", "Windows", "FreeBSD")}
    assert names == {"libhomebody.so", "libhomebody.dylib", "homebody.dll"}


def test_every_source_is_in_one_browser_module_and_shared_ones_in_all():
    modules = build.wasm_modules()
    for path in (ROOT / "kernels").glob("*.c"):
        homes = [name for name, sources in modules.items() if path in sources]
        assert len(homes) == (len(modules) if path.name in ("abi.c", "memory.c") else 1), path.name


def test_sources_go_to_browser_modules_by_their_names(monkeypatch, tmp_path):
    for name in ("abi.c", "memory.c", "lut.c", "filter_a.c", "fleet_b.c"):
        (tmp_path / name).touch()
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    names = {
        module: [path.name for path in sources] for module, sources in build.wasm_modules().items()
    }
    assert names == {
        "homebody.wasm": ["abi.c", "lut.c", "memory.c"],
        "filters.wasm": ["abi.c", "memory.c", "filter_a.c", "fleet_b.c"],
    }
    (tmp_path / "text_words.c").touch()
    assert [path.name for path in build.wasm_modules()["text.wasm"]] == [
        "abi.c", "memory.c", "text_words.c",
    ]  # fmt: skip


def test_without_any_compiler(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "_zig", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(build.BuildFailedError, match="pip install ziglang"):
        build.build_native(tmp_path)
    with pytest.raises(build.BuildFailedError, match="pip install ziglang"):
        build.build_wasm(tmp_path)


def test_a_compiler_that_does_not_start(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "_zig", lambda: None)
    monkeypatch.setenv("CC", str(tmp_path / "no-such-compiler"))
    with pytest.raises(build.BuildFailedError, match="does not start"):
        build.build_native(tmp_path)


def test_sources_that_do_not_compile_leave_nothing_behind(monkeypatch, tmp_path, capfd):
    pytest.importorskip("ziglang")
    sources, out = tmp_path / "sources", tmp_path / "out"
    sources.mkdir()
    (sources / "wrong.c").write_text("this is no C\n")
    monkeypatch.setattr(build, "SOURCES", sources)
    with pytest.raises(build.BuildFailedError, match="failed") as refusal:
        build.build_native(out)
    assert "\n" not in str(refusal.value)
    assert "wrong.c" in capfd.readouterr().err
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "target", "glibc", "tag"),
    [
        ("linux-x86_64", "x86_64-linux-gnu.2.17", True, "manylinux_2_17_x86_64"),
        ("linux-x86_64", "x86_64-linux-gnu.2.17", False, "linux_x86_64"),
        ("linux-riscv64", None, True, "linux_riscv64"),
        ("macosx-11.0-arm64", "aarch64-macos.11.0", False, "macosx_11_0_arm64"),
        ("macosx-10.9-universal2", "x86_64-macos.11.0", False, "macosx_11_0_x86_64"),
        ("win-amd64", "x86_64-windows-gnu", False, "win_amd64"),
    ],
)
def test_wheel_tags(name, target, glibc, tag):
    pytest.importorskip("hatchling")
    hook = module_of(ROOT / "kernels" / "hatch_build.py")
    assert hook.platform_tag(name, target, glibc=glibc) == tag
