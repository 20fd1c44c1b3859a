"""DFNet, the refinement network and the two-stage method as they run, beside the whole evaluation
of the published code: `python -m tests.bench.networks.networks_bench`.

Middle-third holes, random weights (the time does not depend on them), one warm-up. Each row is a
process of its own. Linux only, for the peak memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import methods
from methods.architectures.dfnet import DFNet
from methods.architectures.refinement import RefinementNet
from methods.architectures.spans import Span, hole_spans
from methods.architectures.two_stage_input import RefinementInput
from methods.base import Image, Mask
from methods.network import NetworkInpainter, full_precision, to_tensor
from tests.bench.fresh import measured

HERE = "tests.bench.networks.networks_bench"
ROWS = (
    ("DFNet native", "dfnet_whole", "dfnet_needed", (1024, 1536, 2048)),
    ("refinement network", "refinement_whole", "refinement_needed", (1024, 1536, 2048)),
    ("two-stage, all of it", None, "two_stage", (1024, 1536, 2048)),
)


def main() -> None:
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'':22} {'px':>5} {'whole s':>8} {'MB':>6} {'needed s':>9} {'MB':>6} {'time':>6}")
    for label, plain, own, sizes in ROWS:
        for size in sizes:
            ours = measured(f"{HERE}:{own}", size)
            if plain is None:
                print(f"{label:22} {size:5} {'':>8} {'':>6} {ours[0]:9.2f} {ours[1]:6.0f}")
                continue
            whole = measured(f"{HERE}:{plain}", size)
            print(
                f"{label:22} {size:5} {whole[0]:8.2f} {whole[1]:6.0f} {ours[0]:9.2f}"
                f" {ours[1]:6.0f} {ours[0] / whole[0]:5.2f}x"
            )


def case(size: int) -> tuple[Image, Mask]:
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    mask = np.zeros((size, size), bool)
    third = slice(-(-size // 3), 2 * size // 3 + 1)
    mask[third, third] = True
    return image, mask


def ready(name: str, **options: Any) -> NetworkInpainter:
    method = methods.create(name, weights="random", **options)
    assert isinstance(method, NetworkInpainter)
    method.inpaint(*case(256))
    return method


def dfnet_needed(size: int) -> Callable[[], object]:
    method, given = ready("dfnet"), case(size)
    return lambda: method.inpaint(*given)


def dfnet_whole(size: int) -> Callable[[], object]:
    network = ready("dfnet").loaded()
    assert isinstance(network, DFNet)
    image, mask = case(size)

    def run() -> None:
        with full_precision():
            known = 1 - to_tensor(mask, torch.device("cpu"))
            pixels = to_tensor(image, torch.device("cpu")) / 255
            network(pixels * known, known)

    return run


def two_stage(size: int) -> Callable[[], object]:
    method, given = ready("two-stage", stage_one_options={"weights": "random"}), case(size)
    return lambda: method.inpaint(*given)


def _refiner() -> RefinementNet:
    network = ready("two-stage", stage_one="telea").loaded()
    assert isinstance(network, RefinementNet)
    return network


def _stack(size: int) -> RefinementInput:
    return RefinementInput(*case(size), (size * 100 // 512, size * 100 // 512))


def refinement_needed(size: int) -> Callable[[], object]:
    network, stack = _refiner(), _stack(size)
    rows, columns = hole_spans(stack.mask)
    device = torch.device("cpu")

    def run() -> None:
        with full_precision():
            network.predict_in(lambda r, c: stack.at(r, c, device), (size, size), rows, columns)

    return run


def refinement_whole(size: int) -> Callable[[], object]:
    network, stack = _refiner(), _stack(size)
    everything = Span(0, size)

    def run() -> None:
        with full_precision():
            network(stack.at(everything, everything, torch.device("cpu")))

    return run


if __name__ == "__main__":
    main()
