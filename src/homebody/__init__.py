"""Machine-learning features that stay home.

Example:
    >>> import homebody
    >>> feature = homebody.load("for-this-photo")           # doctest: +SKIP
    >>> feature("coast.jpg").category.name                  # doctest: +SKIP
    'Coastal'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homebody.errors import HomebodyError as HomebodyError
    from homebody.feature import Feature as Feature
    from homebody.feature import load as load
    from homebody.feature import pack as pack

__version__ = "0.1.0"

__all__ = ["Feature", "HomebodyError", "__version__", "load", "pack"]

_HOMES = {
    "Feature": "homebody.feature",
    "HomebodyError": "homebody.errors",
    "load": "homebody.feature",
    "pack": "homebody.feature",
}


def __getattr__(name: str) -> Any:
    # Public names are fetched at first use, so that `import homebody` costs next to nothing.
    if name not in _HOMES:
        raise AttributeError(f"module 'homebody' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
