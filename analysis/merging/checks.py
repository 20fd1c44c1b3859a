"""What runs must have in common to be one; each check names the runs and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from analysis.merging.settings import differing
from analysis.merging.source import Source
from methods.errors import InputError
from methods.files import comparable_name
from methods.labels import REFERENCE, folder_name
from methods.resolutions import size_text


def check(sources: Sequence[Source]) -> None:
    """Raise InputError if runs cannot be one."""
    first, *others = sources
    for other in others:
        _same_protocol(first, other)
        _same_metrics(first, other)
    for one, other in combinations(sources, 2):
        _same_photographs(one, other)
        _same_inputs(one, other)
        _same_methods(one, other)
    for source in sources:
        rest = [other for other in sources if other is not source]
        if not any(_have_something_in_common(source, other) for other in rest):
            raise InputError(
                f"{source.path} has neither a photograph nor a method in common with "
                f"{_listed(other.path for other in rest)}: there would be nothing to compare"
            )


def _same_protocol(first: Source, other: Source) -> None:
    one, two = first.info["protocol"], other.info["protocol"]
    if one == two:
        return
    if one["name"] != two["name"]:
        raise InputError(
            f"{other.path} was run with protocol {two['name']}, {first.path} with {one['name']}: "
            "numbers of two protocols cannot be compared; leave one of the runs out"
        )
    raise InputError(
        f"{other.path} and {first.path}: protocol {one['name']} differs in "
        f"{_listed(_differing(one, two))}: give the commands of both with the same protocol again"
    )


def _same_metrics(first: Source, other: Source) -> None:
    one, two = first.info["metrics"], other.info["metrics"]
    if one == two:
        return
    for it, metrics in ((first, one), (other, two)):
        if missing := [key for key, about in metrics.items() if about.get("missing")]:
            raise InputError(
                f"{it.path}: {_listed(missing)} could not be computed where it was scored: install "
                "what run.json says, and give the benchmark's command again, which scores only"
            )
    versions = [f"{it.path} by {suite_text(it.info['suite'])}" for it in (first, other)]
    raise InputError(
        f"{other.path} and {first.path}: the definition of {_listed(_differing(one, two))} differs "
        f"({', '.join(versions)}): give the benchmark's command of the older run again with the "
        "newer version, which scores its results again and runs none"
    )


def suite_text(suite: Mapping[str, Any]) -> str:
    """Return version and commit of the suite that wrote a run."""
    commit = f", commit {suite['commit'][:9]}" if suite.get("commit") else ""
    changed = " with local changes" if suite.get("modified") else ""
    return f"version {suite.get('version', 'unknown')}{commit}{changed}"


def _same_photographs(one: Source, other: Source) -> None:
    if one.run.has_reference != other.run.has_reference:
        raise InputError(
            f"{one.path} and {other.path}: only one is of object removal (reference = false in "
            "dataset.toml): leave one out"
        )
    for name in one.images.keys() & other.images.keys():
        for key, what in (("sha256", "photograph"), ("mask_sha256", "mask")):
            if one.images[name].get(key) != other.images[name].get(key):
                raise InputError(
                    f"{one.path} and {other.path}: the {what} of {name!r} is another file "
                    f"({_digest(one, name, key)} and {_digest(other, name, key)}): run both on the "
                    "same dataset"
                )
    others = {comparable_name(name): name for name in other.images}
    for name in one.images:
        if others.get(comparable_name(name), name) != name:
            raise InputError(
                f"{one.path} and {other.path}: photographs {name!r} and "
                f"{others[comparable_name(name)]!r} would be one file on some systems: rename one"
            )


def _digest(source: Source, name: str, key: str) -> str:
    return (source.images[name].get(key) or "none")[:12]


def _same_inputs(one: Source, other: Source) -> None:
    """Refuse references and masks that were made otherwise from the same files."""
    for slot in one.records.keys() & other.records.keys():
        method, resolution, image = slot
        if method == REFERENCE and one.records[slot]["key"] != other.records[slot]["key"]:
            raise InputError(
                f"{one.path} and {other.path}: {image!r} at {size_text(resolution)} was prepared "
                "in two ways (its mask read otherwise, or by versions of the suite that do so): "
                "give the commands of both with one version and the same dataset.toml again"
            )


def _same_methods(one: Source, other: Source) -> None:
    folders = {comparable_name(folder_name(label)): label for label in other.methods}
    for label in one.methods:
        clash = folders.get(comparable_name(folder_name(label)), label)
        if clash != label:
            raise InputError(
                f"{one.path} has {label!r} and {other.path} {clash!r}, which would share a folder: "
                + remedy(other, clash)
            )
        if label in other.methods and one.computed(label) and other.computed(label):
            _same_settings(label, one, other)


def _same_settings(label: str, one: Source, other: Source) -> None:
    for what, value, another in differing(one.methods[label], other.methods[label]):
        raise InputError(
            f"{one.path} and {other.path}: method {label!r} was run with another {what} "
            f"({value} and {another}): " + remedy(other, label)
        )


def remedy(source: Source, label: str) -> str:
    """Return how to give a method of a run another name."""
    old = source.own_label(label)
    return f'rename it, as with --rename "{source.path}:{old}={old} ({source.name})"'


def _have_something_in_common(one: Source, other: Source) -> bool:
    methods = [label for label in one.methods if one.computed(label) and other.computed(label)]
    return bool(one.images.keys() & other.images.keys() or methods)


def _differing(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*one, *two]):
        if one.get(key) != two.get(key):
            yield key


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))
