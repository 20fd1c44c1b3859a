"""Scoring: from the raw result of a method to the case's row and final result."""

from __future__ import annotations

from dataclasses import replace

from benchmark.execution.inference import Outcome
from benchmark.inputs.protocol import Protocol
from benchmark.metrics import score
from benchmark.run_folder.rows import Row, Slot
from methods.base import Image, Mask, composite, known_pixels_changed
from methods.external import External


def score_outcome(
    slot: Slot, method: str, outcome: Outcome, image: Image, mask: Mask, protocol: Protocol
) -> tuple[Row, Image | None]:
    """Restore known pixels and score the result.

    Parameters
    ----------
    method
        Name of the method; the slot has its label.
    image
        The reference, uint8 (H, W, 3).
    mask
        bool (H, W), True = hole.

    Returns
    -------
    tuple
        The case's row and its result, uint8 (H, W, 3) or None.
    """
    row = Row(
        *slot,
        status=outcome.status,
        seconds=outcome.seconds,
        peak_memory_mb=outcome.peak_memory_mb,
        peak_cuda_memory_mb=outcome.peak_cuda_memory_mb,
        error=outcome.error,
    )
    if outcome.raw is None:
        return row, None
    changed = known_pixels_changed(image, outcome.raw, mask)
    # External results are scored as given: the audit has asked the user first.
    as_given = changed > 0 and method == External.name
    result = outcome.raw if as_given else composite(image, outcome.raw, mask)
    row = replace(
        row,
        scores=score_result(image, result, mask, protocol),
        known_pixels_changed=changed,
        scored_as_given=as_given,
    )
    return row, result


def score_result(image: Image, result: Image, mask: Mask, protocol: Protocol) -> dict[str, float]:
    """Return every metric that the protocol records, over the whole image and over the hole."""
    return score(image, result, mask, protocol.recorded_metrics(), protocol.metric_options)
