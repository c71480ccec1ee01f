"""No request brings more than MOST_BYTES: a larger one is refused before a byte of it is stored."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

# The largest file that any page takes has 5 MB; what is around it in the request is little.
MOST_BYTES = 12 * 1024 * 1024


class SizeLimit(FileUploadHandler):
    """Stands before the handlers that keep the file; a web server reads no further than the announced length."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        """Refuse what is announced as too large (HTTP 400)."""
        if content_length > MOST_BYTES:
            raise RequestDataTooBig(f"The request has {content_length} bytes; at most {MOST_BYTES} are taken.")

    def receive_data_chunk(self, raw_data: bytes, _start: int) -> bytes:
        """Pass everything on."""
        return raw_data

    def file_complete(self, _file_size: int) -> None:
        """Leave the file to the handlers that keep it."""
