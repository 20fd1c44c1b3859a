"""Telling that memory ran out from other errors."""

from __future__ import annotations


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a method failed because memory ran out, of the machine or of its GPU."""
    # torch and OpenCV have errors of their own for it; neither may be imported here to ask.
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "insufficient memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
        or "bad_alloc" in text
    )
