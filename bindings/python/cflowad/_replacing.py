"""Files that take the place of old ones at once."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """A temporary name beside a file, which takes its place at the end: a crash leaves the old one whole.

    As the library does it, the file that a symbolic link leads to is replaced, keeps its mode, and must be a regular one. The
    contents reach the disk before the name does. Raises OSError, also in place of one that the block raises.
    """
    try:
        target = Path(path).resolve()
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            raise OSError(f"cannot write {target}: it is not a regular file")
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise error if error.errno is None else OSError(f"cannot write {target}: {error.strerror}") from error
    os.close(handle)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        # mkstemp's own mode is for secrets.
        os.chmod(temporary, 0o666 & ~umask if mode is None else stat.S_IMODE(mode))
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(f"cannot write {target}: {error}") from error
        raise
