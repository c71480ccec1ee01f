"""An uploaded file between its preview and its confirmation: in a directory of its own, under our name."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from .mapping_files import UnreadableFile

NAME = re.compile(r"[0-9a-f]{32}")
# Whoever has not confirmed by then uploads again.
KEPT_SECONDS = 24 * 3600


class KeptUpload:
    """import-export's storage for the time between the two pages.

    ``name`` comes from the browser: anything but a name of ours is no file (import-export's own storage would read, and
    then delete, any file of the temporary directory).
    """

    def __init__(self, name: str | None = None, **_options: Any) -> None:
        self.name = name or ""

    def save(self, data: bytes | str) -> None:
        """Keep the file; sets ``name``. Files that nobody confirmed are removed."""
        folder = _folder()
        for old in folder.iterdir():
            with suppress(FileNotFoundError):  # somebody else removes or confirms it at this moment
                if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                    old.unlink()
        self.name = secrets.token_hex(16)
        descriptor = os.open(folder / self.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())

    def read(self) -> bytes:
        """Return the file; raises UnreadableFile when it is gone."""
        try:
            return self._path().read_bytes()
        except FileNotFoundError:
            raise UnreadableFile(_("The uploaded file is no longer there. Upload it again.")) from None

    def remove(self) -> None:
        """Forget the file."""
        self._path().unlink(missing_ok=True)

    def _path(self) -> Path:
        if not NAME.fullmatch(self.name):
            raise UnreadableFile(_("The uploaded file is no longer there. Upload it again."))
        return _folder() / self.name


def _folder() -> Path:
    """Return the directory, which only our own user can look into."""
    folder = Path(tempfile.gettempdir()) / f"orderbridge-uploads-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else.")
    return folder
