"""TOML files of the user."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from methods.errors import InputError


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return the content of a TOML file; `what` names it in errors. Raises InputError."""
    try:
        # Editors on Windows begin files with a byte order mark.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{what} {path}: {error.strerror}; give an existing file") from None
    except ValueError as error:
        raise InputError(f"{what} {path} is not valid TOML: {error}") from None
