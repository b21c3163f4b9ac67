"""The catalog: presets, the families they belong to, and the curated list for each category.

One catalog is one JSON document. The shipped one is assembled from ``presets/<family>.json`` and
``presets/curation.json``; a file of one's own has the same form (``docs/presets.md``).

    >>> from homebody.features.photo.suggest import suggest
    >>> catalog = default_catalog()
    >>> len(catalog.presets) >= 160
    True
    >>> [p.tier for p in suggest(catalog, {"coastal": 0.8, "nature": 0.1}).presets].count("free")
    3
"""

from __future__ import annotations

import difflib
import json
import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from homebody import bundle as bundles
from homebody.errors import CatalogError, UnknownPresetError
from homebody.features.photo.preset import Id, Line, Name, Preset
from homebody.files import replacing
from homebody.installed import installed

MAX_BYTES = 8 << 20
"""A catalog larger than this is refused before it is parsed."""

Version = Annotated[str, Meta(pattern=r"^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\Z")]
Share = Annotated[float, Meta(ge=0, le=1)]
Degrees = Annotated[float, Meta(ge=0, le=180)]
DeltaE = Annotated[float, Meta(ge=0, le=200)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all parts of a catalog share: immutable and strict."""


class Family(_Part, frozen=True):
    """Presets with one idea behind them; a suggestion never holds two of one family."""

    id: Id
    name: Name
    description: Line


class Curated(_Part, frozen=True):
    """One preset in a category's list, and why it is there."""

    preset: Id
    reason: Line


class Limits(_Part, frozen=True, omit_defaults=True):
    """What a curated preset may do to its category's sample photos, as ``audit`` measures it."""

    clipped: Share
    """Largest share of pixels newly driven to black or white."""
    delta_e: tuple[DeltaE, DeltaE]
    """Smallest and largest mean CIEDE2000: visible, but still the same photo."""
    skin_hue: Degrees
    """Largest turn of skin's CIELAB hue, in degrees, where the preset keeps colour."""
    neutral: DeltaE
    """Largest CIELAB chroma that a middle grey takes on."""


class Category(_Part, frozen=True, omit_defaults=True):
    """A kind of photo and the presets that suit it, best first.

    ``exclusive`` means that this list is followed alone when it leads: colour presets have nothing
    to work on in a monochrome photo. ``limits`` replaces the catalog's own.
    """

    id: Id
    name: Name
    kind: Literal["content", "photometric"]
    presets: Annotated[tuple[Curated, ...], Meta(min_length=1, max_length=500)]
    exclusive: bool = False
    limits: Limits | None = None


class Catalog(_Part, frozen=True, dict=True):
    """Versioned presets plus the curated list for each category.

    Everything is cross-checked when it is read: ids are unique, every preset's family and every
    curated preset exist.
    """

    format: Literal["homebody.catalog/1"]
    version: Version
    families: Annotated[tuple[Family, ...], Meta(min_length=1, max_length=500)]
    presets: Annotated[tuple[Preset, ...], Meta(min_length=1, max_length=5000)]
    categories: Annotated[tuple[Category, ...], Meta(min_length=1, max_length=200)]
    limits: Limits

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        families = _unique("family", [family.id for family in self.families])
        presets = _unique("preset", [preset.id for preset in self.presets])
        _unique("preset name", [preset.name.casefold() for preset in self.presets])
        _unique("category", [category.id for category in self.categories])
        for preset in self.presets:
            if preset.family not in families:
                raise ValueError(f"preset {preset.id!r} is of unknown family {preset.family!r}")
        for category in self.categories:
            _unique(
                f"preset in category {category.id!r}", [entry.preset for entry in category.presets]
            )
            for entry in category.presets:
                if entry.preset not in presets:
                    raise ValueError(
                        f"category {category.id!r} lists unknown preset {entry.preset!r}"
                    )

    @cached_property
    def _by_id(self) -> dict[str, Preset]:
        return {preset.id: preset for preset in self.presets}

    @cached_property
    def traits(self) -> dict[str, list[float]]:
        """What each preset does, by id; see :mod:`homebody.features.photo.traits`."""
        from homebody.features.photo.traits import traits  # numpy and the kernels, only for this

        return {preset.id: traits(preset).tolist() for preset in self.presets}

    def preset(self, id_or_name: str) -> Preset:
        """The preset of that id, or of that name in any case.

        Raises:
            UnknownPresetError: there is none; the message suggests near ones.

        >>> default_catalog().preset("mon-01").family
        'mono'
        """
        found = self._by_id.get(id_or_name)
        if found is not None:
            return found
        wanted = id_or_name.casefold()
        names = {preset.name.casefold(): preset for preset in self.presets}
        if wanted in names:
            return names[wanted]
        near = difflib.get_close_matches(wanted[:64], [*self._by_id, *names], n=3, cutoff=0.6)
        shown = [names[n].id + f" ({names[n].name})" if n in names else n for n in near]
        hint = (
            f"near ones are {', '.join(shown)}"
            if shown
            else "list them with: homebody photo catalog"
        )
        raise UnknownPresetError(f"no preset {id_or_name[:64]!r} in the catalog; {hint}")

    def category(self, id: str) -> Category:
        """The category of that id.

        Raises:
            CatalogError: there is none.
        """
        for category in self.categories:
            if category.id == id:
                return category
        known = ", ".join(category.id for category in self.categories)
        raise CatalogError(f"no category {id[:64]!r} in the catalog; it has {known}")

    def family(self, id: str) -> Family:
        """The family of that id.

        Raises:
            CatalogError: there is none.
        """
        for family in self.families:
            if family.id == id:
                return family
        raise CatalogError(f"no family {id[:64]!r} in the catalog")


def _unique(what: str, ids: list[str]) -> set[str]:
    seen: set[str] = set()
    for id in ids:
        if id in seen:
            raise ValueError(f"{what} {id!r} occurs twice")
        seen.add(id)
    return seen


def catalog_from_json(data: bytes) -> Catalog:
    """Read a catalog, strictly.

    Raises:
        CatalogError: too large, not JSON, an unknown key or one twice, a value out of range, or
            parts that do not fit together; the message names the place.

    >>> catalog_from_json(b"[]")
    Traceback (most recent call last):
    ...
    homebody.errors.CatalogError: not a preset catalog: Expected `object`, got `array`
    """
    if len(data) > MAX_BYTES:
        raise CatalogError(
            f"a catalog of {len(data)} bytes; at most {MAX_BYTES} are read: leave out some presets"
        )
    try:
        found = msgspec.json.decode(data, type=Catalog)
        json.loads(data, object_pairs_hook=_once)  # msgspec takes the last of equal keys
        return found
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CatalogError(f"not a preset catalog: {error}") from None


def _once(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"the key {key!r} occurs twice in one object; keep one of them")
        seen.add(key)


def load_catalog(path: str | os.PathLike[str]) -> Catalog:
    """Read a catalog file.

    Raises:
        CatalogError: the file cannot be read or is not a catalog.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CatalogError(f"cannot read catalog {path}: {error.strerror}") from None
    try:
        return catalog_from_json(data)
    except CatalogError as error:
        raise CatalogError(f"{path}: {error}") from None


def save_catalog(catalog: Catalog, path: str | Path) -> None:
    """Write a catalog file, whole or not at all.

    Raises:
        CatalogError: the file cannot be written.
    """
    with replacing(path, CatalogError) as draft:
        draft.write_bytes(catalog_json(catalog))


def with_preset(catalog: Catalog, preset: Preset, family: Family | None = None) -> Catalog:
    """The catalog with one preset more, at the end; one of the same id is replaced.

    Args:
        catalog: what to extend; it stays as it is.
        preset: the preset, e.g. from :func:`homebody.features.photo.look.preset_from_cube`.
        family: the preset's family, if the catalog does not have it yet.

    Raises:
        CatalogError: the result does not fit together, e.g. the family is unknown.
    """
    families = catalog.families
    if family is not None and family.id not in {known.id for known in families}:
        families = (*families, family)
    presets = (*(known for known in catalog.presets if known.id != preset.id), preset)
    try:
        return msgspec.structs.replace(catalog, families=families, presets=presets)
    except ValueError as error:
        raise CatalogError(f"preset {preset.id!r} does not fit the catalog: {error}") from None


class _FamilyFile(_Part, frozen=True):
    """``presets/<family>.json``: a family's presets, each without the family's id."""

    family: Family
    presets: tuple[Preset, ...]


class _CurationFile(_Part, frozen=True):
    """``presets/curation.json``."""

    version: Version
    families: tuple[Id, ...]
    limits: Limits
    categories: tuple[Category, ...]


@lru_cache(maxsize=1)
def default_catalog() -> Catalog:
    """The shipped catalog, assembled from the files in ``presets/``."""
    folder = Path(__file__).with_name("presets")
    curation = msgspec.json.decode((folder / "curation.json").read_bytes(), type=_CurationFile)
    files = [
        msgspec.json.decode((folder / f"{family}.json").read_bytes(), type=_FamilyFile)
        for family in curation.families
    ]
    return Catalog(
        format="homebody.catalog/1",
        version=curation.version,
        families=tuple(file.family for file in files),
        presets=tuple(preset for file in files for preset in file.presets),
        categories=curation.categories,
        limits=curation.limits,
    )


def catalog_in_use(file: str | os.PathLike[str] | None = None) -> Catalog:
    """The catalog of a file; without one, the catalog that :func:`homebody.load` answers from.

    That is the delivered catalog, or else the delivered bundle's, or else the shipped one.

    Raises:
        CatalogError: the file cannot be read or is not a catalog.
        BundleError: the delivered bundle is refused.
    """
    file = file or installed("for-this-photo", "catalog")
    if file is not None:
        return load_catalog(file)
    delivered = installed("for-this-photo")
    if delivered is None:
        return default_catalog()
    with bundles.open(delivered) as bundle:
        return catalog_from_json(bundle.read(bundle.manifest.assets["catalog"]))


def catalog_json(catalog: Catalog | None = None) -> bytes:
    """A catalog as one JSON document, the same bytes every time; the shipped one by default.

    >>> catalog_from_json(catalog_json()) == default_catalog()
    True
    """
    catalog = default_catalog() if catalog is None else catalog
    return msgspec.json.format(msgspec.json.encode(catalog), indent=1) + b"\n"
