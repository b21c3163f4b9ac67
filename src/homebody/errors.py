"""The one exception tree.

Every message is one sentence that says what happened, what was expected and how to mend it.
On the command line each of these is one line on standard error and exit code 2.

    HomebodyError
    ├── MissingExtraError      an optional dependency is not installed
    ├── BundleError            a feature file is refused
    ├── CheckError             a runtime's answers stray from the bundle's samples
    ├── ModelError             a network cannot be read or run
    ├── KernelError            a kernel's arguments or the native library are unusable
    ├── ImageError             a picture cannot be read or written
    ├── LutError               a colour look-up table or .cube file is malformed
    ├── CatalogError           a preset catalog is malformed or breaks its own limits
    │   └── UnknownPresetError
    ├── FeatureError           a feature's name or task is unknown
    └── UsageError             arguments that contradict each other
"""

from __future__ import annotations


class HomebodyError(Exception):
    """Root of every error that Homebody raises on purpose."""


class MissingExtraError(HomebodyError):
    """An optional dependency is needed and absent.

    Args:
        extra: name of the extra in ``homebody[...]``, e.g. ``"train"``.
        purpose: what needs it, e.g. ``"building the Keras model"``.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs packages that are not installed; "
            f"install them with: pip install 'homebody[{extra}]'"
        )
        self.extra = extra


class BundleError(HomebodyError):
    """A feature file is refused."""


class CheckError(HomebodyError):
    """This runtime's answers stray from the samples further than the manifest allows."""


class ModelError(HomebodyError):
    """A network cannot be read or run."""


class KernelError(HomebodyError):
    """A kernel's arguments are outside what it accepts, or the native library is absent."""


class ImageError(HomebodyError):
    """A picture cannot be read or written."""


class LutError(HomebodyError):
    """A colour look-up table or a .cube file is malformed."""


class CatalogError(HomebodyError):
    """A preset catalog is malformed or breaks its own limits."""


class UnknownPresetError(CatalogError):
    """No preset of that id is in the catalog."""


class FeatureError(HomebodyError):
    """A feature's name or a bundle's task is unknown."""


class UsageError(HomebodyError):
    """Arguments that contradict each other or are out of range."""
