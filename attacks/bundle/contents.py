"""Attacks on what the archive holds: sizes, JSON, manifest, entries, signature, samples."""

from __future__ import annotations

import json

from attacks.bundle.forge import (
    CONTENT,
    PUBLISHER,
    STRANGER,
    Part,
    Rows,
    changed,
    edited,
    good,
    good_manifest,
    labelled,
    make_zip,
    named,
    parts_of,
    sample,
    sampled,
    signed,
)


def limits() -> Rows:
    whole = good()
    yield (
        "over-file-cap",
        "BundleTooLargeError",
        "the file is over its cap",
        whole,
        {"limits": {"bundle_bytes": len(whole) - 1}},
    )
    yield (
        "claims-800-mib",
        "EntryTooLargeError",
        "a header that claims 800 MiB",
        labelled({"size": 800 << 20, "packed": 800 << 20}),
        {},
    )
    yield (
        "claims-65534-entries",
        "TooManyEntriesError",
        "an end record that claims 65,534 entries",
        make_zip(parts_of(good_manifest()), here=65534, count=65534),
        {},
    )
    yield "long-name", "NameTooLongError", "a name of 201 bytes", named(b"z" * 201), {}
    yield (
        "over-manifest-cap",
        "ManifestTooLargeError",
        "manifest.json is over its cap",
        whole,
        {"limits": {"manifest_bytes": 700}},
    )
    deep = "[" * 40 + "]" * 40
    yield (
        "deep",
        "JsonTooDeepError",
        "nested 40 deep, over the cap",
        edited('"provenance": {}', f'"provenance": {deep}'),
        {},
    )
    yield (
        "deep-unclosed",
        "JsonTooDeepError",
        "10,000 brackets that never close, against recursive parsers",
        make_zip(parts_of(b"[" * 10_000)),
        {},
    )


def json_text() -> Rows:
    yield "manifest-empty", "JsonSyntaxError", "an empty manifest", make_zip(parts_of(b"")), {}
    yield "manifest-cut", "JsonSyntaxError", "half a manifest", make_zip(parts_of(b'{"a":')), {}
    yield (
        "json-comment",
        "JsonSyntaxError",
        "a comment, which JSON does not have",
        edited('"assets": {}', '"assets": {} /* hi */'),
        {},
    )
    yield (
        "json-nan",
        "JsonSyntaxError",
        "NaN, which JSON does not have",
        edited('"answers": 1.0', '"answers": NaN'),
        {},
    )
    yield (
        "json-infinity",
        "JsonSyntaxError",
        "a number past a double's range",
        edited('"answers": 1.0', '"answers": 1e999'),
        {},
    )
    yield (
        "json-digits",
        "JsonSyntaxError",
        "an integer of 5,000 digits",
        edited('"answers": 1.0', f'"answers": {"9" * 5000}'),
        {},
    )
    yield (
        "json-surrogate",
        "JsonSyntaxError",
        "half a surrogate pair",
        edited('"CC0-1.0"', '"\\ud800"'),
        {},
    )
    yield (
        "json-bom",
        "JsonSyntaxError",
        "a byte order mark",
        make_zip(parts_of(b"\xef\xbb\xbf" + json.dumps(good_manifest()).encode())),
        {},
    )
    yield (
        "json-utf16",
        "EntryTextError",
        "UTF-16, which some parsers detect and others do not",
        make_zip(parts_of(json.dumps(good_manifest()).encode("utf-16"))),
        {},
    )
    yield (
        "key-twice",
        "DuplicateKeyError",
        "a key twice: parsers differ in which they take",
        edited('"task":', '"task": "erase-disk", "task":'),
        {},
    )
    yield (
        "key-twice-escaped",
        "DuplicateKeyError",
        "a key twice, once spelled with an escape",
        edited('"task":', '"t\\u0061sk": "erase-disk", "task":'),
        {},
    )


def manifest() -> Rows:
    whole = good_manifest()
    yield (
        "no-manifest",
        "MissingManifestError",
        "a ZIP that is no bundle",
        make_zip(parts_of(whole)[1:]),
        {},
    )
    yield "no-entries", "MissingManifestError", "an empty ZIP", make_zip([]), {}
    yield "manifest-array", "ManifestValueError", "not an object", make_zip(parts_of([])), {}
    yield "format-absent", "UnknownFormatError", "no format", changed(format=None), {}
    yield "format-other", "UnknownFormatError", "another format", changed(format="zip/1"), {}
    yield "format-newer", "NewerFormatError", "a newer format", changed(format="homebody/2"), {}
    yield (
        "format-newer-unknown-keys",
        "NewerFormatError",
        "a newer format, called that before its unknown keys are looked at",
        changed(format="homebody/3", models=[]),
        {},
    )
    yield (
        "runtime-newer",
        "NewerRuntimeError",
        "asks for a runtime that is not out yet",
        changed(minimum_runtime="9999.0.0"),
        {},
    )
    yield (
        "operation-unknown",
        "UnknownOperationError",
        "an operation that nobody has",
        changed(input=[{"op": "shell.v1", "command": "rm -rf /"}]),
        {},
    )
    yield (
        "operation-newer",
        "UnknownOperationError",
        "a later version of an operation",
        changed(output=[{"op": "softmax.v2"}]),
        {},
    )
    yield "key-unknown", "UnknownKeyError", "an unknown key", changed(on_load="run.sh"), {}
    yield (
        "key-unknown-in-operation",
        "UnknownKeyError",
        "an unknown parameter",
        changed(output=[{"op": "softmax.v1", "axis": 0}]),
        {},
    )
    yield (
        "key-unknown-in-entry",
        "UnknownKeyError",
        "an entry that points elsewhere",
        edited('"size": 11', '"size": 11, "url": "file:///etc/passwd"'),
        {},
    )
    without_task = {key: value for key, value in whole.items() if key != "task"}
    yield "key-absent", "ManifestValueError", "no task", make_zip(parts_of(without_task)), {}
    without = {key: value for key, value in whole.items() if key != "entries"}
    yield "entries-absent", "ManifestValueError", "no entries", make_zip(parts_of(without)), {}
    yield (
        "wrong-type",
        "ManifestValueError",
        "a number as text",
        changed(input=[{"op": "resize.v1", "short_side": "8"}]),
        {},
    )
    yield (
        "resize-huge",
        "ManifestValueError",
        "a picture of a million pixels a side",
        changed(input=[{"op": "resize.v1", "short_side": 1_000_000}]),
        {},
    )
    zero = {"op": "normalize.v1", "order": "rgb", "mean": [0, 0, 0], "std": [1, 0, 1]}
    yield "divides-by-zero", "ManifestValueError", "a spread of 0", changed(input=[zero]), {}
    yield (
        "name-newline",
        "ManifestValueError",
        "a name that goes on after a line break",
        changed(name="attack\n"),
        {},
    )
    yield (
        "version-loose",
        "ManifestValueError",
        "not a semantic version",
        changed(version="1.0"),
        {},
    )
    yield (
        "model-elsewhere",
        "ManifestValueError",
        "the model's entry is not model.tflite",
        changed(model=whole["model"] | {"entry": "labels.txt"}),
        {},
    )
    yield (
        "model-format",
        "ManifestValueError",
        "a pickled model",
        changed(model=whole["model"] | {"format": "pickle"}),
        {},
    )
    huge = [{"name": "image", "shape": [1 << 40], "dtype": "float32"}]
    yield (
        "tensor-huge",
        "ManifestValueError",
        "an axis of 2**40",
        changed(model=whole["model"] | {"inputs": huge}),
        {},
    )
    yield (
        "tolerance-of-nothing",
        "ManifestValueError",
        "a tolerance for an output that the model does not have",
        changed(tolerances={"outputs": {"other": {"top1": 0.0}}}),
        {},
    )
    yield (
        "tolerates-everything",
        "ManifestValueError",
        "a tolerance that requires nothing",
        changed(tolerances={"outputs": {"scores": {}}}),
        {},
    )


def text() -> Rows:
    pad = {"op": "pad.v1", "length": 8, "value": 0, "dtype": "int32", "ids": "ids"}
    pieces = {"op": "wordpiece.v1", "entry": "labels.txt", "rules": "tf", "lower_case": True}
    for name, error, why, step in (
        ("text-key-unknown", "UnknownKeyError", "an unknown parameter", {**pad, "seed": 1}),
        ("text-key-absent", "ManifestValueError", "no length", {"op": "pad.v1", "value": 0}),
        ("text-length-huge", "ManifestValueError", "a billion ids", {**pad, "length": 10**9}),
        ("text-length-zero", "ManifestValueError", "no ids", {**pad, "length": 0}),
        ("text-id-negative", "ManifestValueError", "an id below 0", {**pad, "value": -1}),
        (
            "text-width-huge",
            "ManifestValueError",
            "n-grams of a million tokens, each a copy of its text",
            {"op": "ngrams.v1", "width": 10**6, "separator": " "},
        ),
        (
            "text-separator-long",
            "ManifestValueError",
            "a megabyte between two tokens",
            {"op": "ngrams.v1", "width": 2, "separator": "-" * 17},
        ),
        (
            "text-window-huge",
            "ManifestValueError",
            "a window of a million ids for each id",
            {"op": "sliding_window.v1", "width": 10**6},
        ),
        (
            "text-steps-none",
            "ManifestValueError",
            "a normalization that does nothing",
            {"op": "normalize_text.v1", "steps": []},
        ),
        (
            "text-step-unknown",
            "ManifestValueError",
            "a normalization that nobody knows",
            {"op": "normalize_text.v1", "steps": ["eval"]},
        ),
        (
            "text-shape-unknown",
            "ManifestValueError",
            "a regular expression in place of a shape, which could run without end",
            {"op": "wordshape.v1", "pattern": "(a+)+$"},
        ),
        (
            "text-random",
            "ManifestValueError",
            "a trimmer that draws by chance, which no check could repeat",
            {"op": "trim.v1", "strategy": "random", "max_length": 8},
        ),
        ("text-rules", "ManifestValueError", "unknown rules", {**pieces, "rules": "mine"}),
        (
            "text-vocabulary-absent",
            "DanglingReferenceError",
            "a vocabulary that is not there",
            {**pieces, "entry": "../vocab.txt"},
        ),
    ):
        yield name, error, why, changed(input=[step]), {}
    then = {"then": "vocabulary"}
    for name, error, why, vocabulary in (
        ("empty", "VocabularyEntryError", "a vocabulary of nothing", b""),
        ("gap", "VocabularyEntryError", "an empty token, which every word holds",
         b"[UNK]\n\nhome\n"),
        ("end", "VocabularyEntryError", "an empty token at the end", b"[UNK]\nhome\n\n"),
        ("twice", "VocabularyEntryError", "a token with two ids", b"[UNK]\nhome\nbody\nhome\n"),
        ("long", "VocabularyEntryError", "a token of 1,025 bytes", b"[UNK]\n" + b"z" * 1025),
        ("carriage", "VocabularyEntryError", "lines that some readers would end earlier",
         b"[UNK]\r\nhome\r\n"),
        ("no-unknown", "VocabularyEntryError", "no token for unknown words", b"home\nbody\n"),
        ("not-utf8", "EntryTextError", "half a character", b"[UNK]\nt\xc3\n"),
    ):  # fmt: skip
        content = {"model.tflite": CONTENT["model.tflite"], "vocab.txt": vocabulary}
        whole = good_manifest(content) | {"input": [{**pieces, "entry": "vocab.txt"}], "output": []}
        yield f"vocabulary-{name}", error, why, make_zip(parts_of(whole, content)), then


def content() -> Rows:
    whole = good_manifest()
    entries = whole["entries"]
    labels = entries["labels.txt"]
    first, *rest = parts_of(whole)
    yield (
        "missing-model",
        "MissingEntryError",
        "an entry that the manifest lists is absent",
        make_zip([first, rest[0]]),
        {},
    )
    yield (
        "extra-entry",
        "UnlistedEntryError",
        "an entry that nothing vouches for",
        make_zip([first, *rest, Part(b"run.sh", b"rm -rf /\n")]),
        {},
    )
    itself = {"manifest.json": {"sha256": "0" * 64, "size": 1}}
    yield (
        "lists-itself",
        "MissingEntryError",
        "the manifest vouches for itself",
        changed(entries=entries | itself),
        {},
    )
    yield (
        "wrong-size",
        "EntrySizeError",
        "an entry is longer than stated",
        changed(entries=entries | {"labels.txt": labels | {"size": 10}}),
        {},
    )
    yield (
        "wrong-hash",
        "EntryHashError",
        "an entry was swapped for another of its size, with the right CRC-32",
        make_zip([first, rest[0]._replace(data=b"right\nleft\n"), rest[1]]),
        {},
    )
    crc = {"crc": 1}
    yield "wrong-crc", "ChecksumError", "right hash, wrong CRC-32", labelled(crc, crc), {}
    damaged = bytearray(good())
    damaged[damaged.index(b"CC0-1.0")] ^= 1
    yield "damaged-manifest", "ChecksumError", "a bit of the manifest flipped", bytes(damaged), {}
    yield (
        "dangling-labels",
        "DanglingReferenceError",
        "an operation reads an entry that is not there",
        changed(output=[{"op": "labels.v1", "entry": "names.txt"}]),
        {},
    )
    yield (
        "dangling-asset",
        "DanglingReferenceError",
        "an asset outside the bundle",
        changed(assets={"catalog": "../catalog.json"}),
        {},
    )
    yield (
        "dangling-samples",
        "DanglingReferenceError",
        "samples that are not there",
        changed(
            samples={"entry": "samples/samples.json"},
            tolerances={"outputs": {"scores": {"top1": 1.0}}},
        ),
        {},
    )


def signature() -> Rows:
    pinned = {"public_key": PUBLISHER.public_key().public_bytes_raw().hex()}
    stranger = STRANGER.public_key().public_bytes_raw().hex()
    yield "unsigned", "UnsignedBundleError", "a key is pinned, nothing signed", good(), pinned
    yield "stranger", "WrongKeyError", "signed by someone else", signed(STRANGER), pinned
    yield (
        "stranger-claims",
        "BadSignatureError",
        "signed by someone else who states the publisher's key",
        signed(STRANGER, **pinned),
        pinned,
    )
    yield (
        "stranger-key-only",
        "WrongKeyError",
        "the publisher's signature with another key stated",
        signed(public_key=stranger),
        pinned,
    )
    yield "zeros", "BadSignatureError", "a signature of zeros", signed(signature="0" * 128), pinned
    first, *rest = parts_of(good_manifest() | {"version": "6.6.6"})
    entry = {
        **pinned,
        "algorithm": "ed25519",
        "signature": PUBLISHER.sign(parts_of(good_manifest())[0].data).hex(),
    }
    yield (
        "moved-signature",
        "BadSignatureError",
        "the signature of another manifest",
        make_zip([first, Part(b"signature", json.dumps(entry).encode()), *rest]),
        pinned,
    )
    order = 2**252 + 27742317777372353535851937790883648493
    right = PUBLISHER.sign(parts_of(good_manifest())[0].data)
    above = int.from_bytes(right[32:], "little") + order
    yield (
        "malleable",
        "BadSignatureError",
        "a second signature made of the first: S plus the group's order",
        signed(signature=(right[:32] + above.to_bytes(32, "little")).hex()),
        pinned,
    )
    yield "no-algorithm", "MalformedSignatureError", "algorithm none", signed(algorithm="none"), {}
    without = {**pinned, "signature": right.hex()}
    yield (
        "algorithm-absent",
        "MalformedSignatureError",
        "a signature that leaves its algorithm open",
        make_zip(
            [
                parts_of(good_manifest())[0],
                Part(b"signature", json.dumps(without).encode()),
                *rest,
            ]
        ),
        {},
    )
    yield "short", "MalformedSignatureError", "a cut signature", signed(signature="00"), pinned
    yield (
        "upper-case",
        "MalformedSignatureError",
        "a second spelling of the key",
        signed(public_key=pinned["public_key"].upper()),
        {},
    )
    yield (
        "signature-unknown-key",
        "MalformedSignatureError",
        "a key in the signature that the format does not have",
        signed(expires="never"),
        {},
    )
    entry_of = [parts_of(good_manifest())[0], Part(b"signature", b"\0" * 64)]
    yield (
        "signature-binary",
        "MalformedSignatureError",
        "a raw signature instead of the JSON",
        make_zip([*entry_of, *parts_of(good_manifest())[1:]]),
        {},
    )
    entry = {"algorithm": "ed25519", **pinned, "signature": right.hex()}
    swollen = [entry_of[0], Part(b"signature", json.dumps(entry).encode().ljust(1025))]
    yield (
        "signature-large",
        "MalformedSignatureError",
        "a right signature entry, filled up to 1,025 bytes",
        make_zip([*swollen, *parts_of(good_manifest())[1:]]),
        {},
    )


def samples() -> Rows:
    then = {"then": "samples"}
    tensor = sample()["input"]
    scores = sample()["outputs"]["scores"]
    yield "samples-text", "JsonSyntaxError", "not JSON", sampled(b"a,b\n"), then
    yield "samples-object", "ManifestValueError", "not an array", sampled({}), then
    yield (
        "samples-code",
        "UnknownKeyError",
        "a sample that brings code",
        sampled([sample(decode="lambda: 0")]),
        then,
    )
    yield "samples-twice", "SamplesError", "two of one name", sampled([sample(), sample()]), then
    yield (
        "samples-short",
        "SamplesError",
        "a tensor shorter than its shape",
        sampled([sample()], bytes(7)),
        then,
    )
    yield (
        "samples-huge",
        "SamplesError",
        "a shape of 2**248 elements, which no multiplication may wrap",
        sampled([sample(input=tensor | {"shape": [1 << 31] * 8})]),
        then,
    )
    yield (
        "samples-pickled",
        "ManifestValueError",
        "a tensor of Python objects",
        sampled([sample(input=tensor | {"dtype": "object"})]),
        then,
    )
    yield (
        "samples-elsewhere",
        "DanglingReferenceError",
        "a tensor outside the bundle",
        sampled([sample(input=tensor | {"entry": "/dev/zero"})]),
        then,
    )
    yield (
        "samples-other-output",
        "SamplesError",
        "an output that the model does not have",
        sampled([sample(outputs={"other": scores})]),
        then,
    )
    yield (
        "samples-other-shape",
        "SamplesError",
        "an output of another shape than the model's",
        sampled([sample(outputs={"scores": scores | {"shape": [2, 1]}})]),
        then,
    )
