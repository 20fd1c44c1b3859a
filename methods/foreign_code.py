"""What classes of the user's may do to this process, and how it bears that."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType

from methods.shown_text import message_text


def error_message(error: BaseException) -> str:
    """Return the message of an exception in one line, also of one whose message fails itself."""
    try:
        return message_text(str(error))
    except BaseException as second:  # the code of an exception can raise anything, too
        return f"(no message: its __str__ raises {type(second).__name__})"


def error_text(error: BaseException) -> str:
    """Return "ValueError: message" in one line, without a message "ValueError"."""
    message = error_message(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def keep_output_open() -> None:
    """Let nothing close standard output and error, which the rest of this process prints to."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as where the process was started without
            stream.close = stream.flush  # type: ignore[method-assign]


@contextmanager
def compiled_anew(module: str) -> Iterator[None]:
    """Have a module compiled from its file as it is now, which is what its checksum is taken of.

    Python would take the compiled module it has kept for a file of the same size and second.
    """
    finder = _SourceFinder(module)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _SourceFinder(MetaPathFinder):
    def __init__(self, module: str) -> None:
        self._module = module

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path) if fullname == self._module else None
        if spec is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        spec.loader = _SourceLoader(fullname, spec.loader.path)
        return spec


class _SourceLoader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)
