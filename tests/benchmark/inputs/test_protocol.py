"""Protocols: the default is the paper's, resampling is what it says, mistakes are named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.inputs import protocol
from methods.errors import InputError
from tests.benchmark.conftest import PROTOCOL, scene
from tests.paths import DEMO


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "own.toml"
    path.write_text(text)
    return str(path)


def test_default_is_the_papers() -> None:
    paper = protocol.load("moskalenko2020")
    assert paper.resolutions == [1024, 1536, 1792, 2048]
    assert (paper.resampling, paper.hole.kind) == ("nearest", "middle-third")
    assert paper.metrics == ["l1", "psnr", "ssim"]


def test_every_shipped_protocol_loads_under_its_own_name() -> None:
    for name in protocol.shipped():
        assert protocol.load(name).name == name


@pytest.mark.parametrize("resolution", [1024, 1536, 1792, 2048])
def test_references_are_opencvs_nearest(resolution: int) -> None:
    photo = cv2.imread(str(DEMO / "boats_river.jpg"))
    expected = cv2.resize(photo, (resolution, resolution), interpolation=cv2.INTER_NEAREST)
    paper = protocol.load("moskalenko2020")
    assert np.array_equal(protocol.reference(photo, resolution, paper), expected)


@pytest.mark.parametrize("resampling", ["area", "bicubic", "lanczos"])
def test_filtering_resamplings_average_what_nearest_would_alias(
    tmp_path: Path, resampling: str
) -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 200
    own = protocol.load(written(tmp_path, PROTOCOL.replace('"nearest"', f'"{resampling}"')))
    inner = protocol.reference(stripes, 64, own)[8:-8, 8:-8]
    assert abs(inner.astype(int) - 100).max() <= 12


def test_centre_crop_takes_the_middle(tmp_path: Path) -> None:
    own = protocol.load(written(tmp_path, PROTOCOL.replace("refuse", "centre-square")))
    wide = scene(1, 96, 200)
    assert np.array_equal(protocol.reference(wide, 96, own), wide[:, 52:148])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('crop = "refuse"', 'crops = "refuse"', "'crop' is missing; unknown key 'crops'"),
        ('"nearest"', '"cubic"', "resampling"),
        ('"ssim"]', '"sim"]', "'sim'"),
        ('kind = "middle-third"', 'kind = "third"', "'middle-third'"),
        ('kind = "middle-third"', 'kind = "middle-third"\nshare = 0.2', "unknown key 'share'"),
        ('kind = "middle-third"', 'kind = "centre-square"', "share"),
        ('kind = "middle-third"', 'kind = "centre-square"\nshare = 1e-9', "is empty"),
        ("[48, 64, 96]", "[]", "resolutions"),
        ("[48, 64, 96]", "[8]", "resolutions"),
        ("[hole]", "[metric_options.ssim]\nsigmas = 2\n[hole]", "sigmas"),
        ("[hole]", "[hole", "not valid TOML"),
    ],
)
def test_a_mistake_in_a_protocol_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = written(tmp_path, PROTOCOL.replace(old, new))
    with pytest.raises(InputError) as caught:
        protocol.load(path)
    message = str(caught.value)
    assert said in message and path in message and "\n" not in message


def test_valid_keys_are_listed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"valid keys: .*resampling.*also_recorded"):
        protocol.load(written(tmp_path, "size = 3\n" + PROTOCOL))


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(InputError, match="moskalenko2020"):
        protocol.load("moskalenko2021")
    paper = protocol.load("moskalenko2020")
    assert protocol.select_resolutions(paper, "2048,1024,2048") == [1024, 2048]


def test_sizes_that_the_protocol_does_not_have() -> None:
    paper = protocol.load("moskalenko2020")
    assert protocol.select_resolutions(paper, "512") == [512]
    for given in ("8", "20000", "px", "native"):
        with pytest.raises(InputError, match=given):
            protocol.select_resolutions(paper, given)
    native = protocol.load("native")
    assert protocol.select_resolutions(native, None) == ["native"]
    with pytest.raises(InputError, match="its own size"):
        protocol.select_resolutions(native, "512")
