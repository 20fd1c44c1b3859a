"""Checked construction of plain dataclasses and models from what a user wrote."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, with_config

T = TypeVar("T")


def build(cls: type[T], values: dict[str, Any], what: str) -> T:
    """`cls(**values)` with types checked; unknown keys are refused.

    cls: a dataclass or pydantic model; what: how to call it in messages ("method telea").
    Raises ValueError: one line with every problem, naming the keys and the valid ones.
    """
    config = (
        None
        if issubclass(cls, BaseModel)
        else ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    )
    try:
        return TypeAdapter(with_config(config)(cls) if config else cls).validate_python(values)
    except ValidationError as error:
        problems = [_describe(problem) for problem in error.errors()]
        if any(problem.startswith("unknown key") for problem in problems):
            problems.append(f"valid keys: {', '.join(field_names(cls))}")
        raise ValueError(f"{what}: {'; '.join(problems)}") from None


def field_names(cls: type) -> list[str]:
    """Keys that `build` takes for `cls`."""
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
        # Our own words, which may begin with a file's name.
        return f"{key}: {problem['ctx']['error']}" if key else str(problem["ctx"]["error"])
    message = problem["msg"]
    plain = isinstance(problem["input"], str | int | float | bool)
    found = f" (found {problem['input']!r})" if key and plain else ""
    return f"{key + ': ' if key else ''}{message[0].lower()}{message[1:]}{found}"
