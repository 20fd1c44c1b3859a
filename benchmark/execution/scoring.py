"""Scoring: from the raw result of a method to the case's row and final result."""

from __future__ import annotations

from dataclasses import replace

from benchmark.execution.inference import Outcome
from benchmark.inputs.protocol import Protocol
from benchmark.metrics import find, score_what_works
from benchmark.planning.plan import Case
from benchmark.run_folder.folder import key_of
from benchmark.run_folder.rows import Row
from methods.base import Image, Mask, composite, known_pixels_changed
from methods.external import External
from methods.images import png_bytes
from methods.known_pixels import BLANK


def score_outcome(
    case: Case, outcome: Outcome, image: Image, mask: Mask, protocol: Protocol
) -> tuple[Row, bytes | None]:
    """Restore known pixels, score the result and return the case's row and its result as PNG."""
    row = Row(
        *case.slot,
        status=outcome.status,
        seconds=outcome.seconds,
        peak_memory_mb=outcome.peak_memory_mb,
        peak_cuda_memory_mb=outcome.peak_cuda_memory_mb,
        error=outcome.error,
    )
    if outcome.raw is None:
        return row, None
    if outcome.read_sha256 and not _is_planned(case, outcome.read_sha256):
        reason = "the result has changed since it was checked; the same command checks it again"
        return replace(row, status="failed", error=reason), None
    changed = known_pixels_changed(image, outcome.raw, mask)
    # External results are scored as given: the audit has asked the user first.
    as_given = changed > 0 and case.spec.method == External.name
    result = outcome.raw if as_given else composite(image, outcome.raw, mask)
    row = replace(
        with_scores(row, case, image, result, mask, protocol),
        known_pixels_changed=changed,
        scored_as_given=as_given,
        hole_left_black=is_left_black(image, outcome.raw, mask),
    )
    return row, png_bytes(result)


def is_left_black(image: Image, raw: Image, mask: Mask) -> bool:
    """Return whether a hole was not filled: black, where the photograph is not."""
    return bool((raw[mask] == BLANK).all()) and bool((image[mask] != BLANK).any())


def _is_planned(case: Case, sha256: str) -> bool:
    """Return whether an external result is the one for which the case was planned."""
    identity = {"method": External.name, "version": External.version, "sha256": sha256}
    return case.key == key_of([case.input_key, identity])


def with_scores(
    row: Row, case: Case, image: Image, result: Image, mask: Mask, protocol: Protocol
) -> Row:
    """Return a row with every metric that the protocol records, over the whole image and the hole.

    Without a reference only those that need none. `error` says which have failed.
    """
    names = [
        name
        for name in protocol.recorded_metrics()
        if case.photo.is_reference or not find(name).needs_reference
    ]
    scores, problems = score_what_works(image, result, mask, names, protocol.metric_options)
    reasons = "; ".join(f"no {name}: {reason}" for name, reason in problems.items())
    return replace(row, scores=scores, error=reasons)
