"""Files that are whole or as they were, and nothing in between."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from homebody.errors import HomebodyError


def verify_writable(path: str | os.PathLike[str], error: type[HomebodyError]) -> None:
    """Find out before long work whether :func:`replacing` will be able to write; nothing stays.

    Raises:
        error: the folder is absent, nothing can be written there, or ``path`` is a folder.

    Example:
        >>> from homebody.errors import ImageError
        >>> verify_writable("no/such/folder/page.txt", ImageError)
        Traceback (most recent call last):
        homebody.errors.ImageError: no/such/folder/page.txt cannot be written (No such file ...
    """
    target = Path(path)
    probe = _beside(target)
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with probe.open("xb"):
            pass
        probe.unlink()
    except (OSError, ValueError) as problem:
        raise _unwritable(target, problem, error) from None


@contextmanager
def replacing(
    path: str | os.PathLike[str], error: type[HomebodyError], *, durable: bool = False
) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; it takes ``path``'s place if the block succeeds.

    Whatever happens, nothing but ``path`` remains, and it is either new and whole or as it was.

    Args:
        path: the file to write or replace.
        error: raised, with one sentence, when the system refuses.
        durable: wait until the disk has the bytes, so that a power cut cannot lose them.

    Example:
        >>> from homebody.errors import ImageError
        >>> with replacing("page.txt", ImageError) as draft:         # doctest: +SKIP
        ...     draft.write_text("whole")
    """
    target = Path(path)
    draft: Path | None = None
    try:
        draft = _beside(target)
        yield draft
        if durable:
            with draft.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(draft, target)
    except (OSError, ValueError) as problem:
        raise _unwritable(target, problem, error) from None
    finally:
        if draft is not None:
            with suppress(OSError, ValueError):
                draft.unlink(missing_ok=True)


def _beside(target: Path) -> Path:
    """A new hidden name in the target's folder."""
    # The suffix stays, since some writers choose their format by it.
    return target.with_name(f".{target.stem[:100]}.{secrets.token_hex(4)}.part{target.suffix}")


def _unwritable(
    target: Path, problem: OSError | ValueError, error: type[HomebodyError]
) -> HomebodyError:
    why = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
    return error(
        f"{target} cannot be written ({why}); what was there is unchanged, "
        "so choose another place or make room"
    )
