"""A publisher, a server and a device in one folder, with a clock that stands still."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface

from homebody import bundle, deliver
from homebody.bundle import (
    Manifest,
    Model,
    OutputTolerance,
    SamplesReference,
    TensorSpec,
    Tolerances,
)
from homebody.bundle.operations import CenterCrop, Labels, Normalize, Resize
from homebody.bundle.samples import Sample, encode, tensor_sha256
from homebody.deliver.keys import Keys
from homebody.features.photo.catalog import Catalog, default_catalog
from homebody.installed import installed
from homebody.pipeline import prepare

from ..runtime.models import dense_model, serialize

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
URL = "https://repository.test"
NAME = "tiny"
CATALOG = "for-this-photo"

RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(size=(2, 4 * 4 * 3)).astype(np.float32)
PICTURE = RNG.integers(0, 256, (6, 8, 3), np.uint8)
INPUT = (
    Resize(short_side=4),
    CenterCrop(width=4, height=4),
    Normalize(order="rgb", mean=(127.5,) * 3, std=(127.5,) * 3),
)


@lru_cache
def entries(stray: float = 0.0) -> dict[str, bytes]:
    """A dense layer with one sample; ``stray`` moves what the sample expects."""
    model = dense_model(WEIGHTS, np.zeros(2, np.float32))
    model.subgraphs[0].tensors[0].shape = [1, 4, 4, 3]
    tensor = prepare(PICTURE, INPUT).tensor
    truth = (tensor.reshape(1, -1) @ WEIGHTS.T).astype(np.float32)
    sample = Sample(
        name="noise",
        input=PICTURE,
        input_sha256={"image": tensor_sha256(tensor)},
        outputs={"scores": truth + np.float32(stray)},
        answer="ab"[int(truth.argmax())],
    )
    return {"model.tflite": serialize(model), "labels.txt": b"a\nb\n", **encode([sample])}


def write_bundle(path: Path, version: str = "1.0.0", *, stray: float = 0.0, **changes: Any) -> Path:
    """A whole, tiny bundle, not checked."""
    manifest = Manifest(
        name=NAME,
        version=version,
        task="classify-image",
        input=INPUT,
        model=Model(
            entry="model.tflite",
            format="tflite",
            inputs=(TensorSpec(name="image", shape=(1, 4, 4, 3), dtype="float32"),),
            outputs=(TensorSpec(name="scores", shape=(1, 2), dtype="float32"),),
        ),
        output=(Labels(entry="labels.txt"),),
        samples=SamplesReference(entry="samples/samples.json"),
        tolerances=Tolerances(outputs={"scores": OutputTolerance(sqnr_db=60)}),
        licence="Apache-2.0",
    )
    bundle.write(path, msgspec.structs.replace(manifest, **changes), entries(stray))
    return path


@lru_cache
def catalog_bytes(version: str = "1.0.0") -> bytes:
    """A small catalog: the shipped one, cut down to what one category needs."""
    shipped = default_catalog()
    category = shipped.categories[0]
    wanted = {entry.preset for entry in category.presets}
    presets = tuple(p for p in shipped.presets if p.id in wanted)
    families = {p.family for p in presets}
    return msgspec.json.encode(
        Catalog(
            format=shipped.format,
            version=version,
            families=tuple(f for f in shipped.families if f.id in families),
            presets=presets,
            categories=(category,),
            limits=shipped.limits,
        )
    )


class Server(FetcherInterface):
    """Serves a folder, except where a test says otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lies: dict[str, Callable[[], Iterator[bytes]]] = {}
        """By the end of a path: what is answered instead."""
        self.asked: list[str] = []

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = url.removeprefix(URL + "/")
        self.asked.append(path)
        for end, lie in self.lies.items():
            if path.endswith(end):
                return lie()
        file = self.folder / path
        if not file.is_file():
            raise DownloadHTTPError(f"{url} is answered with status 404", 404)
        return iter([file.read_bytes()])


class World:
    """A repository, its keys, and one device."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        self.repository, self.keys, self.home = folder / "repo", folder / "keys", folder / "home"
        self.server = Server(self.repository)

    # ------------------------------------------------------------ publishing

    def bundle(self, version: str = "1.0.0", **changes: Any) -> Path:
        return write_bundle(self.folder / f"{NAME}-{version}.hb", version, **changes)

    def catalog(self, version: str = "1.0.0") -> Path:
        path = self.folder / version / f"{CATALOG}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(catalog_bytes(version))
        return path

    def publish(self, *versions: str, **options: Any) -> deliver.Publication:
        files = [self.bundle(version) for version in versions]
        return deliver.publish(
            self.repository, files, keys=[self.keys], clock=lambda: self.now, **options
        )

    def copy(self, name: str) -> Path:
        """The repository as it is now, for an attacker to keep."""
        return Path(shutil.copytree(self.repository, self.folder / name))

    @property
    def root(self) -> bytes:
        return (self.repository / "metadata/1.root.json").read_bytes()

    # ------------------------------------------------------------ the device

    def client(self, **options: Any) -> deliver.Client:
        options = {"root": self.root, "names": (NAME, CATALOG), "url": URL} | options
        source = options.pop("source", self.server)
        return deliver.Client(self.home, source, clock=lambda: self.now, **options)

    def version(self) -> str | None:
        """Which version the device would load, read from the file itself."""
        path = installed(NAME, folder=self.home)
        if path is None:
            return None
        with bundle.open(path) as found:
            return found.manifest.version

    def after(self, **time: float) -> None:
        self.now += timedelta(**time)


class Forger:
    """Writes whatever it likes into a repository with the keys that it has, by python-tuf alone."""

    def __init__(self, folder: Path, keys: Path) -> None:
        self.metadata, self.folder = folder / "metadata", folder
        self.keys = Keys([keys], folder / "elsewhere")

    def read(self, name: str) -> Any:
        return Metadata.from_file(str(self.metadata / name)).signed

    @property
    def timestamp(self) -> Timestamp:
        found: Timestamp = self.read("timestamp.json")
        return found

    @property
    def snapshot(self) -> Snapshot:
        found: Snapshot = self.read(f"{self.timestamp.snapshot_meta.version}.snapshot.json")
        return found

    @property
    def targets(self) -> Targets:
        version = self.snapshot.meta["targets.json"].version
        found: Targets = self.read(f"{version}.targets.json")
        return found

    def write(self, name: str, signed: Any, signers: list[CryptoSigner]) -> bytes:
        found: Metadata[Any] = Metadata(signed)
        for signer in signers:
            found.sign(signer, append=True)
        data = found.to_bytes()
        (self.metadata / name).write_bytes(data)
        return data

    def roll(
        self,
        targets: Targets | None = None,
        snapshot: Snapshot | None = None,
        signers: dict[str, list[CryptoSigner]] | None = None,
    ) -> None:
        """Put targets (or a snapshot) into force: everything above them is signed anew."""
        by = {role: self.keys.of(role) for role in ("targets", "snapshot", "timestamp")}
        by |= signers or {}
        if targets is not None:
            data = self.write(f"{targets.version}.targets.json", targets, by["targets"])
            snapshot = self.snapshot
            snapshot.version += 1
            snapshot.meta["targets.json"] = MetaFile.from_data(targets.version, data, ["sha256"])
        assert snapshot is not None
        data = self.write(f"{snapshot.version}.snapshot.json", snapshot, by["snapshot"])
        timestamp = self.timestamp
        timestamp.version += 1
        timestamp.snapshot_meta = MetaFile.from_data(snapshot.version, data, ["sha256"])
        self.write("timestamp.json", timestamp, by["timestamp"])

    def offer(self, target: str, data: bytes, custom: Any, length: int | None = None) -> None:
        """Have the targets role state a file, whatever it is."""
        targets = self.targets
        file = TargetFile.from_data(target, data, ["sha256"])
        file.length = len(data) if length is None else length
        if custom is not None:
            file.unrecognized_fields = {"custom": custom}
        path = self.folder / "targets" / file.get_prefixed_paths()[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        targets.targets[target] = file
        targets.version += 1
        self.roll(targets)


__all__ = ["CATALOG", "NAME", "NOW", "URL", "Forger", "Root", "Server", "World", "write_bundle"]
