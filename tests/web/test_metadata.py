"""EXIF and XMP in JavaScript beside Python's, whole and hostile; and no place left behind."""

from __future__ import annotations

import base64
import json
import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from homebody.image import _metadata
from tests.image.files import exif, xmp

ROOT = Path(__file__).parents[2]
DAY = b"2020:12:31"


def coded(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def in_node(cases: list[tuple[bytes | None, bytes | None]]) -> list[dict]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    lines = [json.dumps({"exif": coded(tags), "xmp": coded(packet)}) for tags, packet in cases]
    run = subprocess.run(
        [node, str(Path(__file__).with_name("metadata.mjs")), str(ROOT / "web")],
        input="\n".join(lines),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(found) == len(cases)
    return found


def with_gps(order: str = "<") -> bytes:
    tags = Image.Exif()
    tags.endian = order
    tags[0x010F], tags[0x0112], tags[0x8298] = "Maker", 6, "Somebody"
    tags.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    gps = tags.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (48.0, 51.0, 29.5), "E", (2.0, 17.0, 40.2)
    gps[29] = DAY.decode()
    return tags.tobytes()


def structures() -> list[bytes]:
    made = [exif(order, turn) for order in "<>" for turn in (0, 1, 6, 8, 9, 65535)]
    made += [exif("<", extra=bytes(range(200))), with_gps("<"), with_gps(">")]
    return [*made, *(b"Exif\0\0" + one for one in made)]


def mutated(count: int) -> list[bytes]:
    chance, made, whole = random.Random(11), [], structures()
    for _ in range(count):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.choice((1, 2, 6))):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    data[at : at + 4] = struct.pack(
                        "<I", chance.choice((0, 8, 10, 2**31, 2**32 - 1))
                    )
                case 2:
                    del data[at:]
                    data += b"\0"
                case 3:
                    data[at:at] = chance.randbytes(3)
        made.append(bytes(data))
    return made


def test_exif_is_made_upright_as_in_python():
    cases = [b"", b"II*\0", b"nonsense", b"MM\0*" + bytes(60), *structures(), *mutated(4000)]
    read = 0
    for tags, found in zip(cases, in_node([(one, None) for one in cases]), strict=True):
        assert "error" not in found, found
        assert found["orientation"] == _metadata.orientation(tags)
        expected = _metadata.upright(tags, 1234, 567)
        assert found["upright"] == coded(expected)
        read += expected is not None
    assert read > 1000


@pytest.mark.parametrize("seed", range(3))
def test_xmp_is_made_upright_as_in_python(seed):
    chance = random.Random(seed)
    pieces = [b"tiff:Orientation", b"<tiff:Orientation>", b"=", b'"', b"'", b"6", b"9", b" ", b"\n"]
    pieces += [b"\xa0", b"\x0b", b"\x85", b"</tiff:Orientation>", b"x", b"\xc3\xa9", b"\0"]
    cases = [b"".join(chance.choices(pieces, k=chance.randrange(1, 12))) for _ in range(3000)]
    cases += [xmp(turn) for turn in range(1, 9)]
    for packet, found in zip(cases, in_node([(None, one) for one in cases]), strict=True):
        assert found["xmp"] == coded(_metadata.upright_xmp(packet)), packet


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_place_is_gone_and_nothing_else(order):
    (found,) = in_node([(with_gps(order), None)])
    assert found["hasGps"]
    left = base64.b64decode(found["withoutGps"])
    assert DAY in with_gps(order)
    assert DAY not in left
    assert len(left) == len(base64.b64decode(found["upright"]))
    tags = Image.Exif()
    tags.load(left)
    assert 0x8825 not in tags
    assert (tags[0x010F], tags[0x0112], tags[0x8298]) == ("Maker", 1, "Somebody")
    assert tags.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    (again,) = in_node([(left, None)])
    assert not again["hasGps"]


def test_hostile_exif_keeps_no_pointer_to_a_place():
    for found in in_node([(one, None) for one in mutated(3000)]):
        assert "error" not in found, found
        if found["withoutGps"] is None:
            assert found["upright"] is None
            continue
        left = base64.b64decode(found["withoutGps"])
        folder, _ = _metadata._entries(left)
        assert all(tag != 0x8825 for tag, _, _, _ in folder)


PLACES = [
    b'<d exif:GPSLatitude="48,51.5N" t:title="Tower"/>',
    b'<d exif:GPSLatitude = \'48,51.5N\'\n exif:GPSLongitude="2,1E" t:title="Tower"/>',
    b'<d t:title="Tower"><exif:GPSAltitude>35/1</exif:GPSAltitude></d>',
    b'<d t:title="Tower"><e:GPSProcessingMethod xml:lang="x"><a>1</a></e:GPSProcessingMethod></d>',
    b'<d t:title="Tower"><exif:GPSMapDatum/></d>',
]


@pytest.mark.parametrize("packet", PLACES)
def test_xmp_without_its_place(packet):
    (found,) = in_node([(None, packet)])
    assert found["hasGps"]
    left = base64.b64decode(found["xmpWithoutGps"])
    assert not re.search(rb"GPS|48|35/1", left)
    assert b't:title="Tower"' in left


def test_xmp_whose_place_cannot_be_taken_out_is_dropped():
    packets = [
        b"<d><exif:GPSLatitude>48",  # never ends
        b'<d exif:GPSLatitude="48',
        b"<exif:GPSLatitude" * 3000,
        b'<d exif:GPSLatitude=&quot;48&quot; other="exif:GPSLatitude 48,51"/>',
    ]
    for found in in_node([(None, packet) for packet in packets]):
        assert found["xmpWithoutGps"] is None


def test_xmp_without_a_place_stays_as_it_is():
    (found,) = in_node([(None, xmp())])
    assert found["xmpWithoutGps"] == coded(xmp())
    assert not found["hasGps"]
