"""What a diffusion model costs on a CPU: `python -m tests.bench.networks.diffusers_bench`.

Stable Diffusion 1.5 in its size with random weights, float32, guided, one image of 512 x 512
pixels: CPU seconds (those of all threads together) for a step and for the rest, peak memory, and
seconds until the files have their checksum. Needs the extra [diffusers] and 4 GB in the temporary
folder.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import methods
from tests.methods.conftest import box, scene
from tests.methods.diffusers.tiny_pipelines import save_stable_diffusion

SIDE = 512


def main() -> None:
    image, mask = scene(0, SIDE, SIDE), box(SIDE, SIDE, slice(170, 340), slice(170, 340))
    with TemporaryDirectory() as folder:
        model = save_stable_diffusion(Path(folder) / "model", full_size=True)
        size = sum(path.stat().st_size for path in model.rglob("*")) / 1e9
        seconds = []
        for steps in (1, 2):
            method = methods.create(f"diffusers:{model}", device="cpu", steps=steps)
            method.load()
            before = time.process_time()
            method.inpaint(image, mask)
            seconds.append(time.process_time() - before)
            del method
        step = seconds[1] - seconds[0]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"CPU seconds: {step:.1f} a step, {seconds[0] - step:.1f} for the rest; {peak:.1f} GB"
        )
        started = time.perf_counter()
        methods.create(f"diffusers:{model}").weights_used()
        print(f"checksum of {size:.1f} GB: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
