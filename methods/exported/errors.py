"""Errors of exported networks: one line that says which option looks wrong."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from methods.base import MethodError
from methods.errors import is_out_of_memory

# In messages of PyTorch and ONNX Runtime -> the option to change. The first that fits counts.
HINTS = (
    (
        r"[Cc]hannels",
        "`inputs` (what is joined with what) or `layout` looks wrong",
    ),
    (
        r"expected scalar type|should be the same|to have the same dtype|data type|not implemented "
        r"for '|dtype|integral|[Bb]ool|used as indices",
        "`dtype` or `mask_dtype` looks wrong",
    ),
    (r"KeyError|Argument .* not in|Key .* (not|missing)", "`input_names` looks wrong"),
    (
        r"missing value for argument|expected at most|positional argument|Expected a value of type",
        "`inputs` looks wrong",
    ),
    (
        r"size of tensor|[Ss]izes of tensors|must match|adding size|is invalid for input of size|"
        r"broadcast|dimension|Guard failed|[Ss]hape|divisible",
        "the sides of the image look wrong: set `multiple` (8, 16, 32...), or `size` for a "
        "network of one size",
    ),
)
PREFIX = re.compile(r"^(\[ONNXRuntimeError\] : \d+ : \w+ : |[\w.]*(Error|Exception): )")


def try_it(path: Path) -> str:
    """Return the advice that ends messages about a network's description."""
    return f"try: python -m methods inspect {shlex.quote(str(path))}"


def failure(path: Path, error: Exception) -> Exception:
    """Return what to raise when a network has failed while it ran.

    The message has the last line of the error and the option that looks wrong; the log has all of
    it. Running out of memory stays an error of its own.
    """
    text = str(error).strip() or type(error).__name__
    if is_out_of_memory(error):
        return error
    if re.search(r"out of memory|[Ff]ailed to allocate memory", text):
        return MemoryError(said(text))
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, said(text))), "")
    parts = [f"{path} failed: {said(text)}", *filter(None, [hint]), try_it(path)]
    return MethodError("; ".join(parts), log=text)


def said(text: str) -> str:
    """Return the line of a message that says what is wrong: the last one of a traceback."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    # ONNX Runtime begins with what is wrong, and puts the place in its source before it.
    line = " ".join(lines) if lines[0].startswith("[ONNXRuntimeError]") else lines[-1]
    if "Declaration: forward(" in text:
        line = " ".join(lines).split(" Declaration: ")[0].split(" Position: ")[0]
    line = re.sub(r".*Status Message: (/\S+ (.*\) )?)?", "", line)
    line = line.replace(" Please fix either the inputs/outputs or the model.", "")
    return PREFIX.sub("", line).strip().rstrip(".")
