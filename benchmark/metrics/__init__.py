"""TEMPORARY STUB"""

import numpy as np
from dataclasses import dataclass
from skimage.metrics import structural_similarity as S


def check_options(names, options):
    for n in names:
        if n not in METRICS:
            raise ValueError(f"unknown metric {n!r}: known: {', '.join(METRICS)}")


@dataclass
class Metric:
    name: str
    label: str
    unit: str = ""
    better: str = "higher"
    decimals: int = 3
    definition: str = "stub"

    def describe(self):
        return dict(self.__dict__)


METRICS = {n: Metric(n, n.upper()) for n in ("l1", "psnr", "ssim", "ssim_uniform")}
METRICS["l1"].better = "lower"


def score(a, b, mask, names, options=None, hole=True):
    d = np.abs(a.astype(float) - b)
    out = {}
    out["l1"] = d.mean()
    m = (d**2).mean()
    out["psnr"] = 10 * np.log10(255**2 / m) if m else float("inf")
    out["ssim"] = S(
        a,
        b,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return {k: float(v) for k, v in out.items()}
