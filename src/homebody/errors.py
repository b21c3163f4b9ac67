"""The one exception tree.

Every message is one sentence that says what happened, what was expected and how to mend it.
On the command line each of these is one line on standard error and exit code 2.

    HomebodyError
    ├── MissingExtraError      an optional dependency is not installed
    ├── BundleError            a feature file is refused
    │   ├── BundleFileError        the file cannot be opened, read, written or replaced
    │   │   └── ClosedBundleError
    │   ├── ArchiveError           the bytes are not the one ZIP form that a bundle has
    │   │   ├── NotABundleError, TruncatedBundleError, LeadingDataError, TrailingDataError
    │   │   ├── Zip64Error, MultiDiskError, CompressedEntryError, EncryptedEntryError
    │   │   ├── DataDescriptorError, SpecialEntryError, OverlappingEntriesError
    │   │   ├── UnaccountedBytesError, HeaderMismatchError, MisalignedEntryError
    │   │   └── NonCanonicalError, EntryOrderError, ChecksumError
    │   ├── EntryNameError         an entry's name could escape or collide on some platform
    │   │   ├── PathTraversalError, AbsolutePathError, BackslashPathError
    │   │   └── UnportableNameError, DuplicateEntryError, NameCollisionError
    │   ├── BundleLimitError       a size is over its cap
    │   │   ├── BundleTooLargeError, EntryTooLargeError, TooManyEntriesError
    │   │   └── NameTooLongError, ManifestTooLargeError, JsonTooLargeError, JsonTooDeepError
    │   ├── EntryTextError         an entry is not the UTF-8 text or JSON that was asked for
    │   │   └── JsonSyntaxError, DuplicateKeyError, VocabularyEntryError
    │   ├── ManifestError          manifest.json is absent or does not describe this bundle
    │   │   ├── MissingManifestError, UnknownFormatError, NewerFormatError, NewerRuntimeError
    │   │   ├── UnknownOperationError, UnknownKeyError, ManifestValueError
    │   │   ├── MissingEntryError, UnlistedEntryError, DanglingReferenceError
    │   │   └── EntrySizeError, EntryHashError
    │   ├── SignatureError         the publisher could not be established
    │   │   ├── UnsignedBundleError, MalformedSignatureError, WrongKeyError, BadSignatureError
    │   │   └── SigningKeyError
    │   └── SamplesError           the samples are malformed or do not fit the model
    ├── CheckError             a runtime's answers stray from the bundle's samples
    ├── ModelError             a network cannot be read or run
    ├── KernelError            a kernel's arguments or the native library are unusable
    ├── ImageError             a picture cannot be read or written
    │   ├── ImageFileError         the file is missing, unreadable or not a file
    │   ├── NotAnImageError        the bytes are no picture, or of a kind that is not read
    │   ├── BrokenImageError       a picture that ends early or contradicts itself
    │   ├── ImageTooLargeError     over the caps on bytes or pixels
    │   └── ImageWriteError        the result cannot be written
    ├── LutError               a colour look-up table or .cube file is malformed
    ├── TextError              text cannot be taken or split as asked
    │   ├── MalformedTextError     bytes are not UTF-8, and that was to be refused
    │   ├── RaggedError            values, row splits or lists do not fit together
    │   └── VocabularyError        a vocabulary or tokenizer file is malformed or lacks an entry
    ├── CatalogError           a preset catalog is malformed or breaks its own limits
    │   ├── PresetError        a preset's fields or values are wrong
    │   ├── UnknownPresetError
    │   └── CurationError      curated presets break the catalog's own limits
    ├── FeatureError           a feature's name or task is unknown
    ├── ShrinkError            a model cannot be shrunk as asked
    │   ├── CalibrationError       the samples are none, malformed or do not fit the model
    │   └── NotIntegerError        int8-only was asked for and operations would stay float
    ├── TrainError             training cannot start or go on
    │   ├── DatasetError           the labelled photos or their table do not make a data set
    │   └── TrainConfigError       a setting is unknown or out of range
    ├── AdaptError             a model of one cannot learn or answer as asked
    │   ├── FilterError            a filter's numbers or a measurement's are unusable
    │   ├── MeasurementsError      a file of measurements cannot be read or makes no sense
    │   ├── SafetensorsError       the bytes are not a safetensors file
    │   ├── FederatedError         owners' updates cannot be noised, summed or sent
    │   ├── FleetError             a fleet's measurements, assets or settings are unusable
    │   │   └── CheckpointError        a fleet's checkpoint cannot be written, read or used
    │   └── OwnerStateError        owner state cannot be read, written or used
    │       └── BaseChangedError       it was learned on another base model
    ├── EngineError            a graph cannot be compiled or run by engines
    │   ├── GraphError             the model is unsound, unsupported or given other inputs
    │   │   └── FormError              an operation has no form in another format
    │   ├── EngineBuildError       an engine does not build a segment; the native one takes it
    │   │   └── EngineCrashError       it ended the process that built, or hung
    │   └── CompiledError          a compiled model's folder cannot be written, read or used
    ├── ServeError             a studio, a repository or a model cannot be served
    │   └── RequestError           a request to a served model does not fit it
    ├── DeliverError           publishing or updating cannot go on; what is installed stays
    │   ├── PublishError           a repository cannot be written as asked
    │   │   └── PublishingKeyError     a key is missing, unsafe or within the repository
    │   ├── BusyError              another publisher or updater is at work
    │   ├── FetchError             a server does not give a file
    │   │   ├── UnreachableError, StatusError, RedirectError
    │   │   └── SlowServerError, TruncatedError, EndlessDataError
    │   ├── TrustError             what a repository says is not believed
    │   │   ├── NoRootError            there is no root of trust to begin with
    │   │   ├── UntrustedKeysError     not signed by enough of the trusted keys
    │   │   ├── OlderMetadataError     older than what was seen before
    │   │   ├── MismatchError          a file is not the one that signed metadata states
    │   │   ├── ExpiredError           too old to be believed, or the clock is wrong
    │   │   └── MetadataError          not the form that metadata have
    │   ├── UpdateRefusedError     a genuine file does not work here
    │   ├── HomeError              the device's own folder cannot be read or written
    │   └── NoPreviousError        there is nothing to roll back to
    └── UsageError             arguments that contradict each other
"""

from __future__ import annotations

from typing import Literal, TypeAlias


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


class BundleFileError(BundleError):
    """A bundle's file cannot be opened, read, written or replaced."""


class ClosedBundleError(BundleFileError):
    """A bundle was used after it was closed."""


class ArchiveError(BundleError):
    """The bytes are not the one ZIP form that a bundle has."""


class NotABundleError(ArchiveError):
    """The file is not a ZIP archive at all."""


class TruncatedBundleError(ArchiveError):
    """The file ends before the archive does."""


class LeadingDataError(ArchiveError):
    """Something stands before the first entry."""


class TrailingDataError(ArchiveError):
    """Something follows the archive's end, an archive comment included."""


class Zip64Error(ArchiveError):
    """The archive uses ZIP64, which a bundle never needs."""


class MultiDiskError(ArchiveError):
    """The archive claims to be split over several disks."""


class CompressedEntryError(ArchiveError):
    """An entry is compressed; bundles store."""


class EncryptedEntryError(ArchiveError):
    """An entry is marked as encrypted."""


class DataDescriptorError(ArchiveError):
    """An entry's size is said to follow its data."""


class SpecialEntryError(ArchiveError):
    """An entry is a folder, a symbolic link or a device."""


class OverlappingEntriesError(ArchiveError):
    """Two entries claim the same bytes."""


class UnaccountedBytesError(ArchiveError):
    """Bytes belong to no entry and no header."""


class HeaderMismatchError(ArchiveError):
    """An entry's two headers contradict each other."""


class MisalignedEntryError(ArchiveError):
    """An entry's data do not start at a multiple of 64."""


class NonCanonicalError(ArchiveError):
    """A header field differs from the one value that a bundle has there."""


class EntryOrderError(ArchiveError):
    """The entries are not in their one order."""


class ChecksumError(ArchiveError):
    """An entry's bytes do not have the CRC-32 in its header."""


class EntryNameError(BundleError):
    """An entry's name could escape or collide on some platform."""


class PathTraversalError(EntryNameError):
    """A name has a ``.``, ``..`` or empty segment."""


class AbsolutePathError(EntryNameError):
    """A name starts at a root or a drive."""


class BackslashPathError(EntryNameError):
    """A name holds a backslash."""


class UnportableNameError(EntryNameError):
    """A name holds a character or a word that some platform cannot store."""


class DuplicateEntryError(EntryNameError):
    """Two entries have the same name."""


class NameCollisionError(EntryNameError):
    """Two names are one on some platform, or a file is also a folder."""


class BundleLimitError(BundleError):
    """A size is over its cap; see ``homebody.bundle.Limits``."""


class BundleTooLargeError(BundleLimitError):
    """The file is over the cap."""


class EntryTooLargeError(BundleLimitError):
    """An entry is over the cap."""


class TooManyEntriesError(BundleLimitError):
    """There are more entries than the cap."""


class NameTooLongError(BundleLimitError):
    """An entry's name is longer than the cap."""


class ManifestTooLargeError(BundleLimitError):
    """manifest.json is over the cap."""


class JsonTooLargeError(BundleLimitError):
    """A JSON entry is over the cap."""


class JsonTooDeepError(BundleLimitError):
    """A JSON entry is nested deeper than the cap."""


class EntryTextError(BundleError):
    """An entry is not the UTF-8 text that was asked for."""


class JsonSyntaxError(EntryTextError):
    """An entry is not strict JSON."""


class DuplicateKeyError(EntryTextError):
    """A JSON object has the same key twice."""


class VocabularyEntryError(EntryTextError):
    """An entry is not a vocabulary: one token a line, none empty, none twice."""


class ManifestError(BundleError):
    """manifest.json is absent or does not describe this bundle."""


class MissingManifestError(ManifestError):
    """There is no manifest.json."""


class UnknownFormatError(ManifestError):
    """The manifest is not of the format ``homebody/1``."""


class NewerFormatError(ManifestError):
    """The bundle is of a format that came after this runtime."""


class NewerRuntimeError(ManifestError):
    """The bundle asks for a newer Homebody than this one."""


class UnknownOperationError(ManifestError):
    """A pipeline names an operation that this runtime does not have."""


class UnknownKeyError(ManifestError):
    """The manifest has a key that this runtime does not know."""


class ManifestValueError(ManifestError):
    """A value is absent, of the wrong type or out of range."""


class MissingEntryError(ManifestError):
    """An entry that is listed or asked for is not in the file."""


class UnlistedEntryError(ManifestError):
    """An entry in the file is not listed in the manifest."""


class DanglingReferenceError(ManifestError):
    """The manifest refers to an entry that it does not list."""


class EntrySizeError(ManifestError):
    """An entry does not have the size that the manifest states."""


class EntryHashError(ManifestError):
    """An entry does not have the SHA-256 that the manifest states."""


class SignatureError(BundleError):
    """The publisher of a bundle could not be established."""


class UnsignedBundleError(SignatureError):
    """A key is pinned and the bundle carries no signature."""


class MalformedSignatureError(SignatureError):
    """The signature entry is not of the form that the format fixes."""


class WrongKeyError(SignatureError):
    """The bundle is signed with another key than the pinned one."""


class BadSignatureError(SignatureError):
    """The signature does not match the manifest."""


class SigningKeyError(SignatureError):
    """A key is not an Ed25519 key, or its file is unsafe."""


class SamplesError(BundleError):
    """The samples are malformed or do not fit the model."""


class CheckError(HomebodyError):
    """This runtime's answers stray from the samples further than the manifest allows."""


class ModelError(HomebodyError):
    """A network cannot be read or run."""


class KernelError(HomebodyError):
    """A kernel's arguments are outside what it accepts, or the native library is absent."""


class ImageError(HomebodyError):
    """A picture cannot be read or written."""


class ImageFileError(ImageError):
    """The picture's file is missing, unreadable or not a file."""


class NotAnImageError(ImageError):
    """The bytes are no picture, or one of a kind that is not read."""


class BrokenImageError(ImageError):
    """A picture that ends early or contradicts itself."""


class ImageTooLargeError(ImageError):
    """A picture over the caps on bytes or pixels."""


class ImageWriteError(ImageError):
    """A picture cannot be written."""


class LutError(HomebodyError):
    """A colour look-up table or a .cube file is malformed."""


class TextError(HomebodyError):
    """Text cannot be taken or split as asked."""


class MalformedTextError(TextError):
    """Bytes are not UTF-8, and ``malformed="error"`` asked to refuse that."""


class RaggedError(TextError):
    """Values, row splits or nested lists do not fit together."""


class VocabularyError(TextError):
    """A vocabulary or a tokenizer's file is malformed, or lacks an entry that is needed."""


class CatalogError(HomebodyError):
    """A preset catalog is malformed or breaks its own limits."""


class PresetError(CatalogError):
    """A preset's fields or values are wrong."""


class UnknownPresetError(CatalogError):
    """No preset of that id is in the catalog."""


class CurationError(CatalogError):
    """Curated presets break the catalog's own limits on sample photos.

    Args:
        offences: one line for each preset, category and limit that is broken.
    """

    def __init__(self, offences: list[str]) -> None:
        super().__init__(
            f"curation breaks its own limits in {len(offences)} places; "
            f"mend the presets or the curation: {'; '.join(offences[:8])}"
            + ("; ..." if len(offences) > 8 else "")
        )
        self.offences = offences


class FeatureError(HomebodyError):
    """A feature's name or a bundle's task is unknown."""


class TrainError(HomebodyError):
    """Training cannot start or go on."""


class DatasetError(TrainError):
    """The labelled photos, or the table about them, do not make a data set."""


class TrainConfigError(TrainError):
    """A training setting is unknown or out of range."""


class ShrinkError(HomebodyError):
    """A model cannot be shrunk as asked."""


class CalibrationError(ShrinkError):
    """The samples are none, malformed, or do not fit the model."""


class NotIntegerError(ShrinkError):
    """``int8-only`` was asked for and operations would stay float.

    Args:
        operations: each one's label and reason, e.g. ``"#3 CUMSUM 'sums': ..."``.
    """

    def __init__(self, operations: list[str]) -> None:
        super().__init__(
            f"{len(operations)} operations have no integer form: {'; '.join(operations[:20])}"
            + ("; ..." if len(operations) > 20 else "")
            + "; replace them in the model, or use the scheme int8, which leaves them float"
        )
        self.operations = operations


class AdaptError(HomebodyError):
    """A model of one cannot learn or answer as asked."""


class FilterError(AdaptError):
    """A filter's numbers, or a measurement's, are unusable."""


class MeasurementsError(AdaptError):
    """A file of measurements cannot be read, lacks a column, or contradicts itself."""


class SafetensorsError(AdaptError):
    """The bytes are not a safetensors file."""


class FederatedError(AdaptError):
    """Owners' updates cannot be noised, summed or sent as asked."""


class FleetError(AdaptError):
    """A fleet's measurements, assets or settings are unusable."""


class CheckpointError(FleetError):
    """A fleet's checkpoint cannot be written, read or used."""


class OwnerStateError(AdaptError):
    """Owner state cannot be read, written or used."""


class BaseChangedError(OwnerStateError):
    """Owner state was learned on another base model than the one given."""


class EngineError(HomebodyError):
    """A graph cannot be compiled or run by engines."""


class GraphError(EngineError):
    """The model is unsound or unsupported, or was given inputs that do not fit it."""


FormCode: TypeAlias = Literal[
    "unknown-operation", "unsupported-type", "unsupported-shape", "varying-shape"
]
"""Why an operation has no form."""


class FormError(GraphError):
    """An operation has no form in another format.

    Args:
        message: which, and what of it.
        code: which kind of reason.
    """

    def __init__(self, message: str, code: FormCode = "unsupported-shape") -> None:
        super().__init__(message)
        self.code: FormCode = code


class EngineBuildError(EngineError):
    """An engine does not build a segment, whether it said it would or not."""


class EngineCrashError(EngineBuildError):
    """Building a segment ended the process that builds, or did not end."""


class CompiledError(EngineError):
    """A compiled model's folder cannot be written, read or used."""


class ServeError(HomebodyError):
    """A studio, repository or model cannot be served: a part is missing, or the port is taken."""


class RequestError(ServeError):
    """A request to a served model does not fit it, or cannot be taken now.

    Args:
        message: what is wrong, and what was expected.
        status: the HTTP status that says so.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class DeliverError(HomebodyError):
    """Publishing or updating cannot go on; what is installed stays as it is."""


class PublishError(DeliverError):
    """A repository cannot be written as asked."""


class PublishingKeyError(PublishError):
    """A signing key is missing, unsafe or within the repository."""


class BusyError(DeliverError):
    """Another publisher or updater is at work."""


class FetchError(DeliverError):
    """A server does not give a file."""


class UnreachableError(FetchError):
    """The server cannot be reached: no network, no such host, refused, or not trusted."""


class StatusError(FetchError):
    """The server answered with something other than the file, e.g. 500.

    Args:
        message: one sentence.
        status: the HTTP status code.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class RedirectError(FetchError):
    """The server sends elsewhere."""


class SlowServerError(FetchError):
    """The server stalls, or trickles so slowly that the deadline passed."""


class TruncatedError(FetchError):
    """The connection ended before the file did."""


class EndlessDataError(FetchError):
    """The server sends more than the file may have."""


class TrustError(DeliverError):
    """What a repository says is not believed."""


class NoRootError(TrustError):
    """There is no root of trust to begin with."""


class UntrustedKeysError(TrustError):
    """Metadata are not signed by enough of the trusted keys."""


class OlderMetadataError(TrustError):
    """Metadata are older than what was seen before."""


class MismatchError(TrustError):
    """A file is not the one that signed metadata state."""


class ExpiredError(TrustError):
    """Metadata are too old to be believed, or the clock is wrong."""


class MetadataError(TrustError):
    """A file does not have the form that metadata have."""


class UpdateRefusedError(DeliverError):
    """A genuine file does not work here: its format, its runtime, or its check."""


class HomeError(DeliverError):
    """The folder that holds what is installed cannot be read or written."""


class NoPreviousError(DeliverError):
    """There is nothing to roll back to."""


class UsageError(HomebodyError):
    """Arguments that contradict each other or are out of range."""
