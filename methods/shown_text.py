"""Text of programs and files as it is shown: nothing in it steers a terminal or turns the line."""

from __future__ import annotations

import re

# Control characters but tab and line break; marks that reverse or reorder what follows; separators
# of lines; halves of characters, which no file can hold, and what XML forbids.
CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]"
_CONTROL = re.compile("(?!\r\n)" + CONTROL[:-1] + "\ud800-\udfff]")
# Colours, cursor movements and titles of windows, as ECMA-48 defines them.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
)


def visible(text: str) -> str:
    r"""Return text with each control character as its number: "\x1b", "\u202e".

    Different texts stay different, so that names can be shown like this.
    """
    return _CONTROL.sub(_number, text)


def message_text(text: str) -> str:
    """Return a message of a program in one line, without colours and other control sequences."""
    return " ".join(visible(_SEQUENCE.sub("", text)).split())


def counted(number: int, noun: str) -> str:
    """Return "1 case" or "7 cases"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _number(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
