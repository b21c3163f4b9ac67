"""A preset: a named, versioned set of photo adjustments, as data.

Every amount is on the scale that photo editors use: -100..100 (or 0..100 where less than nothing
means nothing), exposure in EV, hues in degrees, curve points on 0..255. 0 leaves the photo as it
is; a preset of zeros gives back every pixel. Hues are Oklab hues: red 25, orange 60, yellow 105,
green 140, aqua 195, blue 255, purple 300, magenta 345.

    >>> preset = preset_from_json(
    ...     b'{"id": "my-01", "name": "Mine", "family": "mine", "tier": "free", "version": 1,'
    ...     b' "description": "A little warmer.", "adjust": {"temperature": 20}}'
    ... )
    >>> preset.adjust.temperature
    20.0
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from homebody.errors import PresetError

Tier = Literal["free", "member"]
Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,39}\Z")]
Line = Annotated[
    str, Meta(min_length=1, max_length=160, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z")
]
Name = Annotated[
    str, Meta(min_length=1, max_length=32, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z")
]
Signed = Annotated[float, Meta(ge=-100, le=100)]
Amount = Annotated[float, Meta(ge=0, le=100)]
Whole = Annotated[int, Meta(ge=0, le=100)]
Hue = Annotated[float, Meta(ge=0, le=360)]
Level = Annotated[float, Meta(ge=0, le=255)]
Points = Annotated[tuple[tuple[Level, Level], ...], Meta(max_length=16)]

BANDS = ("red", "orange", "yellow", "green", "aqua", "blue", "purple", "magenta")
"""The eight colour bands, in the order of their hues."""


_WHITE = 32640


class _Part(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What all parts of a preset share: immutable, strict, zeros left out when written."""


class Curves(_Part, frozen=True):
    """Tone curves: up to 16 points (in, out) on 0..255; rising; none is a straight line.

    ``master`` acts on lightness and keeps the hue; the others act on one channel each.
    """

    master: Points = ()
    red: Points = ()
    green: Points = ()
    blue: Points = ()

    def __post_init__(self) -> None:
        """Refuse curves that fold back."""
        for name in ("master", "red", "green", "blue"):
            points = getattr(self, name)
            if len(points) == 1:
                raise ValueError(f"curve {name!r} has one point; give none, or two to sixteen")
            for (x0, y0), (x1, y1) in pairwise(points):
                if x1 - x0 < 1:
                    raise ValueError(f"curve {name!r} needs inputs at least 1 apart, rising")
                if y1 < y0:
                    raise ValueError(f"curve {name!r} falls; outputs may rise or stay")


class Band(_Part, frozen=True):
    """One colour band: hue (100 turns it 30 degrees), saturation and luminance, each -100..100."""

    hue: Signed = 0.0
    saturation: Signed = 0.0
    luminance: Signed = 0.0


class Bands(_Part, frozen=True):
    """Hue, saturation and luminance for each of eight colours; neighbours blend smoothly."""

    red: Band = Band()
    orange: Band = Band()
    yellow: Band = Band()
    green: Band = Band()
    aqua: Band = Band()
    blue: Band = Band()
    purple: Band = Band()
    magenta: Band = Band()


class Tone(_Part, frozen=True):
    """A hue in degrees and how much of it."""

    hue: Hue = 0.0
    amount: Amount = 0.0


class SplitToning(_Part, frozen=True):
    """Tint shadows and highlights apart; a positive balance gives the highlights more room."""

    shadows: Tone = Tone()
    highlights: Tone = Tone()
    balance: Signed = 0.0


class Mono(_Part, frozen=True):
    """Black and white: percent of each channel; the three sum to 100, so greys keep their tone."""

    red: Annotated[float, Meta(ge=-100, le=200)] = 30.0
    green: Annotated[float, Meta(ge=-100, le=200)] = 59.0
    blue: Annotated[float, Meta(ge=-100, le=200)] = 11.0

    def __post_init__(self) -> None:
        """Refuse a mix that would change greys."""
        if abs(self.red + self.green + self.blue - 100) > 0.01:
            raise ValueError("the mono mix must sum to 100")


class Grain(_Part, frozen=True):
    """Film grain: amount, and size relative to the photo (25 is fine, 100 coarse)."""

    amount: Whole = 0
    size: Whole = 25


class Vignette(_Part, frozen=True):
    """Darker corners (negative amount) or lighter ones, from midpoint per cent of the way out."""

    amount: Annotated[int, Meta(ge=-100, le=100)] = 0
    midpoint: Whole = 50


class Sharpen(_Part, frozen=True):
    """Unsharp masking of luma: amount, and radius relative to the photo."""

    amount: Whole = 0
    radius: Whole = 20


class Cube(_Part, frozen=True):
    """A colour table from a .cube file, carried whole: the preset needs no other file.

    ``table`` is int16[size, size, size, 3], little-endian, blue slowest, red fastest, 32640 for
    1.0; in JSON it is base64.
    """

    size: Literal[17, 33]
    table: bytes

    def __post_init__(self) -> None:
        """Refuse a table of another length, or with values outside 0..32640."""
        if len(self.table) != 6 * self.size**3:
            raise ValueError(
                f"a cube of size {self.size} has {6 * self.size**3} bytes, not {len(self.table)}"
            )
        values = memoryview(self.table)
        if max(values[1::2]) > _WHITE >> 8 or any(
            low | high << 8 > _WHITE
            for low, high in zip(values[::2], values[1::2], strict=True)
            if high == _WHITE >> 8
        ):
            raise ValueError(f"a cube's values are 0 to {_WHITE}")


class Adjustments(_Part, frozen=True):
    """Everything a preset does, in the order in which it is done."""

    exposure: Annotated[float, Meta(ge=-4, le=4)] = 0.0
    temperature: Signed = 0.0
    tint: Signed = 0.0
    mono: Mono | None = None
    shadows: Signed = 0.0
    highlights: Signed = 0.0
    contrast: Signed = 0.0
    curves: Curves = Curves()
    fade: Amount = 0.0
    bands: Bands = Bands()
    saturation: Signed = 0.0
    vibrance: Signed = 0.0
    split_toning: SplitToning = SplitToning()
    cube: Cube | None = None
    sharpen: Sharpen = Sharpen()
    vignette: Vignette = Vignette()
    grain: Grain = Grain()

    def __post_init__(self) -> None:
        """Refuse colour adjustments beside a cube: the cube is the whole of the colour."""
        if self.cube is not None:
            plain = Adjustments(
                cube=None, sharpen=self.sharpen, vignette=self.vignette, grain=self.grain
            )
            if msgspec.structs.replace(self, cube=None) != plain:
                raise ValueError("a preset with a cube takes no other colour adjustment")


class Preset(_Part, frozen=True, omit_defaults=False):
    """A named, versioned set of adjustments.

    ``version`` rises by one whenever the adjustments change, so that a photo's edit history stays
    true.
    """

    id: Id
    name: Name
    family: Id
    tier: Tier
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    description: Line
    adjust: Adjustments


def preset_from_json(data: bytes) -> Preset:
    """Read one preset, strictly: unknown keys, wrong types and values out of range are refused.

    Raises:
        PresetError: the data are not a preset; the message names the place.
    """
    try:
        return msgspec.json.decode(data, type=Preset)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise PresetError(f"not a preset: {error}; see docs/presets.md for its fields") from None


def preset_to_json(preset: Preset) -> bytes:
    """The preset as one line of JSON; zeros are left out.

    >>> preset_to_json(NEUTRAL)[:23]
    b'{"id":"neutral","name":'
    """
    return msgspec.json.encode(preset)


NEUTRAL = Preset(
    id="neutral",
    name="Neutral",
    family="neutral",
    tier="free",
    version=1,
    description="The photo as it is.",
    adjust=Adjustments(),
)
"""The preset that changes nothing, to the bit."""
