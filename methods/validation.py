"""Checked construction of dataclasses and pydantic models from user input."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, with_config

from methods.errors import InputError

T = TypeVar("T")

# Of dataclasses; models have one of their own.
STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def build(cls: type[T], values: dict[str, Any], what: str) -> T:
    """Return `cls(**values)` after checking all types; refuse unknown keys.

    Parameters
    ----------
    cls
        A dataclass or a pydantic model.
    values
        Key -> value, as the user wrote it.
    what
        Name of the object in messages, such as "method telea".

    Raises
    ------
    InputError
        If a value is wrong: one line with every problem, the keys concerned and the valid keys.
    """
    checked = cls if issubclass(cls, BaseModel) else with_config(STRICT)(cls)
    try:
        return TypeAdapter(checked).validate_python(values)
    except ValidationError as error:
        problems = [_describe(problem) for problem in error.errors()]
        if any(problem.startswith("unknown key") for problem in problems):
            problems.append(f"valid keys: {', '.join(field_names(cls))}")
        raise InputError(f"{what}: {'; '.join(problems)}") from None


def field_names(cls: type) -> list[str]:
    """Return the keys that `build` accepts for a class."""
    if issubclass(cls, BaseModel):
        return list(cls.model_fields)
    return [field.name for field in fields(cast(Any, cls)) if field.init]


def _describe(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        return f"unknown key '{key}'"
    if problem["type"] in {"missing", "missing_argument"}:
        return f"'{key}' is missing"
    if problem["type"] == "value_error":
        # Raised by this project, whose messages may begin with a file name.
        return f"{key}: {problem['ctx']['error']}" if key else str(problem["ctx"]["error"])
    message = problem["msg"]
    is_plain = isinstance(problem["input"], str | int | float | bool)
    value = f" (found {problem['input']!r})" if key and is_plain else ""
    return f"{key + ': ' if key else ''}{message[0].lower()}{message[1:]}{value}"
