"""Photographs on their way to workers: what was verified is what is sent and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmark.cluster.messages import has_files, read_files
from benchmark.inputs import dataset, protocol
from benchmark.inputs.description import open_dataset
from benchmark.inputs.photos import PhotoStore
from methods.errors import InputError
from tests.benchmark.conftest import save, scene


@pytest.mark.parametrize("changed", ["images/a.png", "masks/a.png"])
def test_a_photograph_or_mask_that_changed_is_neither_sent_nor_read(
    tmp_path: Path, changed: str
) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 10:30] = 255
    save(tmp_path / "images/a.png", scene(1, 64, 64))
    save(tmp_path / "masks/a.png", mask)
    native = protocol.load("native")
    found = open_dataset(tmp_path)
    (photo,) = dataset.verify(found, native, ["native"], {}, Console(quiet=True))
    assert has_files(tmp_path, photo) and set(read_files(tmp_path, photo)) == {
        "images/a.png",
        "masks/a.png",
    }
    # Still a good image of the same size, and a good mask.
    save(tmp_path / changed, 255 - mask if "masks" in changed else scene(2, 64, 64))
    assert not has_files(tmp_path, photo)
    with pytest.raises(InputError, match="has changed during the run"):
        read_files(tmp_path, photo)
    with pytest.raises(InputError, match="has changed"):
        PhotoStore(tmp_path).inputs(photo, "native", native)
