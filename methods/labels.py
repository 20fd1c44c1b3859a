"""Names of methods in tables and in the folders of a run: what they may be."""

from __future__ import annotations

from methods.files import comparable_name

# The folder of the photographs themselves, beside those of the methods.
REFERENCE = "reference"


def folder_name(label: str) -> str:
    """Return the name of a method's folder."""
    return label.replace(":", "_")


def share_folder(label: str, other: str) -> bool:
    """Return whether the folders of two methods are one on some file system.

    Those of Windows and macOS ignore case and Unicode normalisation.
    """
    return comparable_name(folder_name(label)) == comparable_name(folder_name(other))


def label_problem(label: str) -> str:
    """Return why a label cannot name a folder and a table row; empty if it can."""
    if comparable_name(folder_name(label)) == REFERENCE:
        return "is reserved for the photographs themselves"
    if not label.strip() or label != label.strip():
        return "is empty or has spaces around it"
    if "/" in label or "\\" in label or not label.isprintable():
        return "has a path separator or control character"
    if label[0] in "-.":
        return f"begins with {label[0]!r}"
    return "is longer than 100 bytes" if len(label.encode()) > 100 else ""
