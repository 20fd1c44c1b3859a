"""Files are replaced whole or not at all, and their checksums are those of their content now."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from methods.files import replacing, sha256, write_atomically


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(tmp_path / "a.txt", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "a.txt", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"old"


def test_several_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    paths = [tmp_path / "new" / name for name in ("a.csv", "b.csv")]
    with pytest.raises(KeyboardInterrupt), replacing(*paths) as parts:
        parts[0].write_text("half")
        raise KeyboardInterrupt
    assert list(paths[0].parent.iterdir()) == []
    with replacing(*paths) as parts:
        for part in parts:
            part.write_text("whole")
        assert not any(path.exists() for path in paths)
    assert [path.read_text() for path in paths] == ["whole", "whole"]
    with pytest.raises(OSError, match="disk"), replacing(*paths) as parts:
        raise OSError("disk")
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["a.csv", "b.csv"]


def test_private_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    write_atomically(tmp_path / "secret", "täglich", private=True)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secret").read_text(encoding="utf-8") == "täglich"


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError) as caught:
        write_atomically(tmp_path / "folder", b"")
    assert caught.value.filename == str(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_checksums_follow_the_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"a" * 3_000_000)
    other.write_bytes(b"b")
    assert sha256(one) == hashlib.sha256(one.read_bytes()).hexdigest()
    assert sha256(one, other) == hashlib.sha256(one.read_bytes() + b"b").hexdigest()
    other.write_bytes(b"c")
    os.utime(other, ns=(0, 0))
    assert sha256(other) == hashlib.sha256(b"c").hexdigest()
