"""Nothing that a browser gets tells which image is the original, or which method made it."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from survey.setup import create
from survey.study import stimuli
from tests.survey.conftest import Served, Visitor, shown

PEOPLE, IMAGES = 4, 40
# Of a fair coin in all trials of a session: more or fewer wins are one in ten thousand.
SIGMAS = 3.9
RANDOM = {"ETag", "Date"}


def realistic_study(folder: Path, quality: int = 0) -> Path:
    """Photographs of noise with holes filled ever smoother, as methods do: their files differ."""
    given = []
    for method, blur in (("reference", 0), ("sharp", 2), ("telea", 12)):
        place = folder / method
        place.mkdir(parents=True)
        for image in range(IMAGES):
            pixels = np.random.default_rng(image).integers(0, 256, (96, 96, 3), np.uint8)
            hole = pixels[32:64, 32:64]
            pixels[32:64, 32:64] = hole >> blur // 2 << blur // 2
            PillowImage.fromarray(pixels).save(place / f"photo{image}.png")
        given.append(f"{method}={place}")
    request = create.Request(
        out=folder / "study", images=given, check="telea", reference=True, pairs=80, checks=10,
        quality=quality,
    )  # fmt: skip
    create.create(request, create.find_images(request))
    return folder / "study"


@pytest.mark.slow
@pytest.mark.parametrize("quality", [0, 80])
def test_all_files_of_an_image_have_one_length_and_header(tmp_path: Path, quality: int) -> None:
    folder = realistic_study(tmp_path, quality)
    files: dict[str, set[tuple[int, bytes]]] = {}
    for one in stimuli.read(folder):
        content = (folder / "stimuli" / f"{one.name}.webp").read_bytes()
        header = content[:20] if quality else content[:25]
        files.setdefault(one.image, set()).add((len(content), header))
        original = tmp_path / one.method / f"{one.image}.png"
        if not quality:
            decoded = PillowImage.open(io.BytesIO(content)).convert("RGB")
            assert np.array_equal(decoded, PillowImage.open(original))
    assert len(files) == IMAGES and {len(kinds) for kinds in files.values()} == {1}


@pytest.mark.slow
def test_a_crawler_learns_nothing_from_responses(
    tmp_path: Path, serve: Callable[..., Served]
) -> None:
    """Every number of a response that could tell the original from Telea's result by a rule
    "the larger one", over all images, as many people load them, in turn."""
    served = serve(realistic_study(tmp_path))
    leads: dict[str, list[int]] = {}
    seen = set()
    for _ in range(PEOPLE):
        visitor = Visitor(served.address)
        visitor.start()
        asked = visitor.question()
        while asked:
            left, right = shown(asked, served.study)
            # Again, the same files would tell the same.
            if {left, right} == {"reference", "telea"} and asked["left"] not in seen:
                seen |= {asked["left"], asked["right"]}
                features = [response_features(visitor, asked[side]) for side in ("left", "right")]
                sign = 1 if left == "reference" else -1
                for name in features[0].keys() | features[1].keys():
                    one, other = (each.get(name, -1) for each in features)
                    leads.setdefault(name, []).append(sign * int(np.sign(one - other)))
            asked = visitor.vote(asked["position"]).json()["question"]
    assert len(leads["name"]) > 30
    for name, signs in leads.items():
        decided = np.count_nonzero(signs)
        assert abs(sum(signs)) <= SIGMAS * np.sqrt(max(decided, 1)), (name, sum(signs), decided)
    for name in ("Content-Length", "bytes", "head", "headers", "status", "Last-Modified"):
        assert not any(leads[name]), name


def response_features(visitor: Visitor, url: str) -> dict[str, float]:
    began = time.perf_counter()
    answer = visitor.get(url)
    took = time.perf_counter() - began
    again = visitor.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    features = {
        "name": float(int(url.split("/")[-1].split(".")[0], 16) >> 64),
        "time": took,
        "status": float(answer.status_code),
        "bytes": float(len(answer.content)),
        "head": float(int.from_bytes(answer.content[:25])),
        "headers": float(hash(tuple(answer.headers))),
        "again": float(again.status_code + len(again.headers)),
    }
    for name, value in answer.headers.items():
        if name not in RANDOM:
            features[name] = float(hash(value))
    features["Content-Length"] = float(answer.headers["Content-Length"])
    return features


def test_a_copied_study_tells_no_times_of_its_files(served: Served) -> None:
    folder = served.study.folder / "stimuli"
    for number, path in enumerate(sorted(folder.iterdir())):
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    visitor = Visitor(served.address)
    visitor.start()
    asked = visitor.question()
    times = {visitor.get(asked[side]).headers["Last-Modified"] for side in ("left", "right")}
    assert times == {"Thu, 01 Jan 1970 00:00:00 GMT"}
