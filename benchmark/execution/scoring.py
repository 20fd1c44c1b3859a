"""From what a method returned to its case's row and result: known pixels put back, scores."""

from __future__ import annotations

from dataclasses import replace

from benchmark.execution.inference import Outcome
from benchmark.inputs.protocol import Protocol
from benchmark.metrics import score
from benchmark.run_folder.folder import Row, Slot
from methods.base import Image, Mask, composite, known_pixels_changed
from methods.external import External


def judge(
    slot: Slot, method: str, outcome: Outcome, image: Image, mask: Mask, protocol: Protocol
) -> tuple[Row, Image | None]:
    """The row of a case and its result, uint8 (H, W, 3) RGB, None where there is none.

    slot: label, resolution and image name; method: what `label` runs; image: the reference, uint8
    (H, W, 3) RGB; mask: bool (H, W), True = hole."""
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
    # What was made elsewhere is judged as it came: the audit has asked the user first.
    as_given = changed > 0 and method == External.name
    result = outcome.raw if as_given else composite(image, outcome.raw, mask)
    judged = replace(
        row,
        scores=scores(image, result, mask, protocol),
        known_pixels_changed=changed,
        scored_as_given=as_given,
    )
    return judged, result


def scores(image: Image, result: Image, mask: Mask, protocol: Protocol) -> dict[str, float]:
    """Every metric that the protocol records, over the whole image and over the hole."""
    return score(image, result, mask, protocol.recorded_metrics(), protocol.metric_options)
