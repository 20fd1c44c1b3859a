"""HiFill as it runs beside the published script's own steps, which bring back detail everywhere:
`python -m tests.bench.networks.hifill_bench`.

Middle-third holes, random weights, multiple 6 as published, a process for each row. Linux only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

import methods
from methods.architectures.hifill import HiFill
from methods.architectures.residual_aggregation import blurred_hole, prepare
from methods.network import full_precision
from tests.bench.fresh import measured
from tests.bench.networks.networks_bench import case

HERE = "tests.bench.networks.hifill_bench"


def main() -> None:
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'px':>5} {'script s':>9} {'MB':>6} {'here s':>7} {'MB':>6} {'time':>6}")
    for size in (1024, 2048):
        ours, plain = measured(f"{HERE}:here", size), measured(f"{HERE}:script", size)
        print(
            f"{size:5} {plain[0]:9.2f} {plain[1]:6.0f} {ours[0]:7.2f} {ours[1]:6.0f}"
            f" {ours[0] / plain[0]:5.2f}x"
        )


def here(size: int) -> Callable[[], object]:
    method, given = methods.create("hifill", weights="random"), case(size)
    method.inpaint(*case(256))
    return lambda: method.inpaint(*given)


def script(size: int) -> Callable[[], object]:
    import cv2

    method = methods.create("hifill", weights="random")
    method.inpaint(*case(256))
    network = method.loaded()  # type: ignore[attr-defined]
    assert isinstance(network, HiFill)
    image, mask = case(size)

    def run() -> None:
        raw = image.astype(np.float32)
        frame = prepare(raw, ~mask, 6)
        side = 512 * 6
        with full_precision():
            pixels = torch.from_numpy(frame.small_image).permute(2, 0, 1)[None] / 127.5 - 1
            hole = torch.from_numpy(frame.small_hole)[None, None]
            _, refined, shares = network(pixels, hole)
        inpainted = ((refined[0] + 1) * 127.5).permute(1, 2, 0).numpy()
        low_base = cv2.resize(inpainted, (side, side))
        low_large = cv2.resize(frame.small_image, (side, side))
        detail = (frame.large - low_large) * np.repeat(frame.large_known, 3, axis=2)
        cells = detail.reshape(32, side // 32, 32, side // 32, 3).transpose(0, 2, 1, 3, 4)
        made = shares.numpy() @ cells.reshape(1024, -1)
        cells = made.reshape(32, 32, side // 32, side // 32, 3).transpose(0, 2, 1, 3, 4)
        result = np.clip(low_base + cells.reshape(side, side, 3), 0, 255)
        weight = cv2.resize(blurred_hole(frame.small_hole), (size, size))[..., None]
        (cv2.resize(result, (size, size)) * weight + raw * (1 - weight)).astype(np.uint8)

    return run


if __name__ == "__main__":
    main()
