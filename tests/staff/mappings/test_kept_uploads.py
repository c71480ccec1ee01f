"""Files between preview and confirmation: each person's own, and old ones make way."""

from __future__ import annotations

import os
import tempfile
import time

from integrations.admin.kept_uploads import KEPT_SECONDS, KeptUpload, _folder


def test_a_file_that_somebody_else_removes_meanwhile_stops_no_upload(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (_folder() / ("0" * 32)).symlink_to(tmp_path / "gone already")  # listed, and not there when it is looked at
    upload = KeptUpload()
    upload.save(b"sku,target")
    assert KeptUpload(upload.name).read() == b"sku,target"


def test_files_that_nobody_confirmed_for_a_day_are_removed_by_the_next_upload(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    forgotten, waiting = KeptUpload(), KeptUpload()
    forgotten.save(b"a")
    waiting.save(b"b")
    a_day_ago = time.time() - KEPT_SECONDS - 60
    os.utime(_folder() / forgotten.name, (a_day_ago, a_day_ago))
    KeptUpload().save(b"c")
    assert sorted(file.read_bytes() for file in _folder().iterdir()) == [b"b", b"c"]
