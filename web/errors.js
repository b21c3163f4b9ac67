/**
 * The error tree: the classes of Python's `homebody.errors` that a page can meet, by the same names.
 *
 * Every message is one sentence that says what happened, what was expected and how to mend it.
 * @module
 */

import * as exported from "./errors.js";

/** Root of every error that Homebody raises on purpose. */
export class HomebodyError extends Error {
  /**
   * @param {string} message
   * @param {string} [code] what a program asks for; the class's name unless it says more
   */
  constructor(message, code) {
    super(message);
    this.name = new.target.name;
    this.code = code ?? this.name;
  }
}

/** A feature file is refused. */
export class BundleError extends HomebodyError {}

/** The bytes are not the one ZIP form that a bundle has. */
export class ArchiveError extends BundleError {}

/** The file is not a ZIP archive at all. */
export class NotABundleError extends ArchiveError {}

/** The file ends before the archive does. */
export class TruncatedBundleError extends ArchiveError {}

/** Something stands before the first entry. */
export class LeadingDataError extends ArchiveError {}

/** Something follows the archive's end, an archive comment included. */
export class TrailingDataError extends ArchiveError {}

/** The archive uses ZIP64, which a bundle never needs. */
export class Zip64Error extends ArchiveError {}

/** The archive claims to be split over several disks. */
export class MultiDiskError extends ArchiveError {}

/** An entry is compressed; bundles store. */
export class CompressedEntryError extends ArchiveError {}

/** An entry is marked as encrypted. */
export class EncryptedEntryError extends ArchiveError {}

/** An entry's size is said to follow its data. */
export class DataDescriptorError extends ArchiveError {}

/** An entry is a folder, a symbolic link or a device. */
export class SpecialEntryError extends ArchiveError {}

/** Two entries claim the same bytes. */
export class OverlappingEntriesError extends ArchiveError {}

/** Bytes belong to no entry and no header. */
export class UnaccountedBytesError extends ArchiveError {}

/** An entry's two headers contradict each other. */
export class HeaderMismatchError extends ArchiveError {}

/** An entry's data do not start at a multiple of 64. */
export class MisalignedEntryError extends ArchiveError {}

/** A header field differs from the one value that a bundle has there. */
export class NonCanonicalError extends ArchiveError {}

/** The entries are not in their one order. */
export class EntryOrderError extends ArchiveError {}

/** An entry's bytes do not have the CRC-32 in its header. */
export class ChecksumError extends ArchiveError {}

/** An entry's name could escape or collide on some platform. */
export class EntryNameError extends BundleError {}

/** A name has a `.`, `..` or empty segment. */
export class PathTraversalError extends EntryNameError {}

/** A name starts at a root or a drive. */
export class AbsolutePathError extends EntryNameError {}

/** A name holds a backslash. */
export class BackslashPathError extends EntryNameError {}

/** A name holds a character or a word that some platform cannot store. */
export class UnportableNameError extends EntryNameError {}

/** Two entries have the same name. */
export class DuplicateEntryError extends EntryNameError {}

/** Two names are one on some platform, or a file is also a folder. */
export class NameCollisionError extends EntryNameError {}

/** A size is over its cap; see `LIMITS`. */
export class BundleLimitError extends BundleError {}

/** The file is over the cap. */
export class BundleTooLargeError extends BundleLimitError {}

/** An entry is over the cap. */
export class EntryTooLargeError extends BundleLimitError {}

/** There are more entries than the cap. */
export class TooManyEntriesError extends BundleLimitError {}

/** An entry's name is longer than the cap. */
export class NameTooLongError extends BundleLimitError {}

/** manifest.json is over the cap. */
export class ManifestTooLargeError extends BundleLimitError {}

/** A JSON entry is over the cap. */
export class JsonTooLargeError extends BundleLimitError {}

/** A JSON entry is nested deeper than the cap. */
export class JsonTooDeepError extends BundleLimitError {}

/** An entry is not the UTF-8 text that was asked for. */
export class EntryTextError extends BundleError {}

/** An entry is not strict JSON. */
export class JsonSyntaxError extends EntryTextError {}

/** A JSON object has the same key twice. */
export class DuplicateKeyError extends EntryTextError {}

/** An entry is not a vocabulary: one token a line, none empty, none twice. */
export class VocabularyEntryError extends EntryTextError {}

/** manifest.json is absent or does not describe this bundle. */
export class ManifestError extends BundleError {}

/** There is no manifest.json. */
export class MissingManifestError extends ManifestError {}

/** The manifest is not of the format `homebody/1`. */
export class UnknownFormatError extends ManifestError {}

/** The bundle is of a format that came after this runtime. */
export class NewerFormatError extends ManifestError {}

/** The bundle asks for a newer Homebody than this one. */
export class NewerRuntimeError extends ManifestError {}

/** A pipeline names an operation that this runtime does not have. */
export class UnknownOperationError extends ManifestError {}

/** The manifest has a key that this runtime does not know. */
export class UnknownKeyError extends ManifestError {}

/** A value is absent, of the wrong type or out of range. */
export class ManifestValueError extends ManifestError {}

/** An entry that is listed or asked for is not in the file. */
export class MissingEntryError extends ManifestError {}

/** An entry in the file is not listed in the manifest. */
export class UnlistedEntryError extends ManifestError {}

/** The manifest refers to an entry that it does not list. */
export class DanglingReferenceError extends ManifestError {}

/** An entry does not have the size that the manifest states. */
export class EntrySizeError extends ManifestError {}

/** An entry does not have the SHA-256 that the manifest states. */
export class EntryHashError extends ManifestError {}

/** The publisher of a bundle could not be established. */
export class SignatureError extends BundleError {}

/** A key is pinned and the bundle carries no signature. */
export class UnsignedBundleError extends SignatureError {}

/** The signature entry is not of the form that the format fixes. */
export class MalformedSignatureError extends SignatureError {}

/** The bundle is signed with another key than the pinned one. */
export class WrongKeyError extends SignatureError {}

/** The signature does not match the manifest. */
export class BadSignatureError extends SignatureError {}

/** A key is not an Ed25519 key, or its file is unsafe. */
export class SigningKeyError extends SignatureError {}

/** The samples are malformed or do not fit the model. */
export class SamplesError extends BundleError {}

/** This runtime's answers stray from the samples further than the manifest allows. */
export class CheckError extends HomebodyError {}

/** A network cannot be read or run. */
export class ModelError extends HomebodyError {}

/** A kernel's arguments are outside what it accepts, or the native library is absent. */
export class KernelError extends HomebodyError {}

/** A picture cannot be read or written. */
export class ImageError extends HomebodyError {}

/** The bytes are no picture, or one of a kind that is not read. */
export class NotAnImageError extends ImageError {}

/** A picture that ends early or contradicts itself. */
export class BrokenImageError extends ImageError {}

/** A picture over the caps on bytes or pixels. */
export class ImageTooLargeError extends ImageError {}

/** A picture cannot be written. */
export class ImageWriteError extends ImageError {}

/** A colour look-up table or a .cube file is malformed. */
export class LutError extends HomebodyError {}

/** Text cannot be taken or split as asked. */
export class TextError extends HomebodyError {}

/** Values, row splits or segments do not fit together. */
export class RaggedError extends TextError {}

/** A vocabulary is malformed, or lacks a token. */
export class VocabularyError extends TextError {}

/** A preset catalog is malformed or breaks its own limits. */
export class CatalogError extends HomebodyError {}

/** A preset's fields or values are wrong. */
export class PresetError extends CatalogError {}

/** No preset of that id is in the catalog. */
export class UnknownPresetError extends CatalogError {}

/** A model of one cannot learn or answer as asked. */
export class AdaptError extends HomebodyError {}

/** The bytes are not a safetensors file. */
export class SafetensorsError extends AdaptError {}

/** Owner state cannot be read, written or used. */
export class OwnerStateError extends AdaptError {}

/** Owner state was learned on another base model. */
export class BaseChangedError extends OwnerStateError {}

/** A feature's name or a bundle's task is unknown. */
export class FeatureError extends HomebodyError {}

/** Arguments that contradict each other or are out of range. */
export class UsageError extends HomebodyError {}

/** This browser lacks something that Homebody cannot do without. */
export class UnsupportedBrowserError extends HomebodyError {}

/** The engine, or the page it belongs to, cannot do what was asked now. */
export class EngineError extends HomebodyError {}

// Joining the modules shortens classes' names, but errors go by them: between threads and to people.
for (const [name, type] of Object.entries(exported)) Object.defineProperty(type, "name", { value: name });
