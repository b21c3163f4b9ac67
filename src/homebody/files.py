"""Files that are whole or as they were, and nothing in between."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from homebody.errors import HomebodyError


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
    # The suffix stays, since some writers choose their format by it.
    name = f".{target.stem[:100]}.{secrets.token_hex(4)}.part{target.suffix}"
    draft: Path | None = None
    try:
        draft = target.with_name(name)
        yield draft
        if durable:
            with draft.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(draft, target)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
        raise error(
            f"{target} cannot be written ({why}); what was there is unchanged, "
            "so choose another place or make room"
        ) from None
    finally:
        if draft is not None:
            with suppress(OSError, ValueError):
                draft.unlink(missing_ok=True)
