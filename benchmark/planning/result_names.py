"""Results made elsewhere that are named after the mask instead of the case, as LaMa writes them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from benchmark.inputs.photos import Photo
from benchmark.planning.method_specs import MethodSpec
from methods.base import MethodError, Resolution
from methods.external import External


def named_after_masks(
    spec: MethodSpec, photos: Sequence[Photo], resolutions: Sequence[Resolution]
) -> MethodSpec:
    """Return a method that finds results under their masks' names, where cases' names have none."""
    if spec.method != External.name:
        return spec
    try:
        source = External(**spec.options)
    except ValueError:
        # The plan tells what is wrong with it.
        return spec
    names = {}
    for photo in photos:
        mask = Path(photo.mask_file or photo.file).stem
        is_absent = mask != photo.name and not _has(source, photo.name, resolutions)
        if is_absent and _has(source, mask, resolutions):
            names[photo.name] = mask
    return replace(spec, options={**spec.options, "names": names}) if names else spec


def _has(source: External, name: str, resolutions: Sequence[Resolution]) -> bool:
    for resolution in resolutions:
        with suppress(MethodError):
            source.result_file(resolution, name)
            return True
    return False
