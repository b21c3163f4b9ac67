"""What this processor has for networks: the instructions that make int8 and bf16 quick."""

from __future__ import annotations

import os
import platform
import re
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

_CPUINFO = Path("/proc/cpuinfo")
_LIMIT = 1 << 20


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An instruction set: its name, what it is for, and whether this processor has it."""

    name: str
    use: str
    present: bool


class Processor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A processor: its name, how many of it there are, and its features."""

    name: str
    count: int
    features: tuple[Feature, ...]

    def has(self, *names: str) -> bool:
        """Whether it has any of these features.

        Example:
            >>> Processor("x", 1, (Feature("AVX2", "", True),)).has("AVX2", "SVE")
            True
        """
        return any(feature.present for feature in self.features if feature.name in names)


_X86 = (
    ("AVX2", "vectors of 256 bits", ("avx2",)),
    ("AVX-512", "vectors of 512 bits", ("avx512f",)),
    ("VNNI", "int8: four products a lane at once", ("avx512_vnni", "avx_vnni", "avx512vnni")),
    ("AMX int8", "int8: tiles of 16 × 64 products", ("amx_int8",)),
    ("AVX-512 bf16", "bf16: two products a lane at once", ("avx512_bf16",)),
    ("AMX bf16", "bf16: tiles of 16 × 32 products", ("amx_bf16",)),
    ("AVX-512 fp16", "half precision", ("avx512_fp16",)),
)
_ARM = (
    ("NEON", "vectors of 128 bits", ("asimd", "neon")),
    ("dot product", "int8: four products a lane at once", ("asimddp",)),
    ("i8mm", "int8: small matrix products", ("i8mm",)),
    ("bf16", "bf16: small matrix products", ("bf16",)),
    ("fp16", "half precision", ("asimdhp", "fphp")),
    ("SVE", "vectors of up to 2048 bits", ("sve",)),
)
INT8 = ("VNNI", "AMX int8", "dot product", "i8mm")
"""Features with which int8 is quicker than float."""
BF16 = ("AVX-512 bf16", "AMX bf16", "bf16")
"""Features with which bf16 is."""


@cache
def processor() -> Processor:
    """This processor: by the system's own list where there is one, else by numpy's."""
    try:
        with _CPUINFO.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LIMIT)
    except OSError:
        text = ""
    return read_processor(text or _from_numpy(), os.cpu_count() or 1)


def read_processor(text: str, count: int) -> Processor:
    """What a ``/proc/cpuinfo`` says.

    Example:
        >>> chip = read_processor("model name : Chip\\nflags : avx2 avx512_vnni", 2)
        >>> chip.name, chip.has("VNNI"), chip.has("AMX int8")
        ('Chip', True, False)
    """
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    have = set(flags.group(1).lower().split()) if flags else set()
    named = re.search(r"^model name\s*:(.*)$", text, re.MULTILINE)
    arm = platform.machine().lower() in ("aarch64", "arm64") or "asimd" in have
    return Processor(
        (named.group(1).strip() if named else "") or platform.machine() or "unknown",
        count,
        tuple(
            Feature(name, use, bool(have & set(flags_of)))
            for name, use, flags_of in (_ARM if arm else _X86)
        ),
    )


def _from_numpy() -> str:
    found = np.show_config(mode="dicts").get("SIMD Extensions", {})
    names = [str(n).lower() for n in (*found.get("baseline", ()), *found.get("found", ()))]
    # numpy names groups of x86 features by the processor that first had them.
    also = {"avx512_icl": "avx512_vnni", "avx512_spr": "avx512_fp16 avx512_bf16"}
    return "flags : " + " ".join([*names, *(also[n] for n in names if n in also)])
