"""Images on a host of their own: pages point there, and a wrong copy is noticed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from survey.study import stimuli
from tests.survey.conftest import METHODS, Served, Visitor, cannot_be_read, run
from tests.survey.images import Images, sent, show_from
from tests.survey.production import Server

Serve = Callable[..., Served]
Start = Callable[..., Server]


@pytest.fixture
def copied(tmp_path: Path, folder: Path) -> Path:
    """The images, on another host below mine/."""
    return Path(shutil.copytree(folder / stimuli.FOLDER, tmp_path / "elsewhere" / "mine"))


@pytest.fixture
def images(copied: Path, folder: Path) -> Iterator[Images]:
    with sent(copied.parent) as running:
        show_from(f"{running.url}/mine", folder)
        yield running


def test_pages_point_to_the_other_host_and_allow_it_alone(
    folder: Path, images: Images, serve: Serve
) -> None:
    shutil.rmtree(folder / stimuli.FOLDER)
    visitor = Visitor(serve(folder).address)
    page = visitor.start()
    policy = page.headers["Content-Security-Policy"]
    assert f"img-src 'self' {images.url};" in policy and policy.count("http") == 1
    asked, checksums = (
        visitor.question(),
        {one.name: one.sha256 for one in stimuli.read(folder, True)},
    )
    for side in ("left", "right"):
        found = re.fullmatch(rf"{images.url}/mine/([0-9a-f]{{32}})\.webp", asked[side])
        assert found and found[1] in checksums
        assert asked[side] in page.text
        assert requests.get(asked[side], timeout=30).status_code == 200
    # What comes next is loaded from there too, and so is what a vote brings.
    following = visitor.vote(1).json()
    for url in (*following["preload"], following["question"]["left"]):
        assert url.startswith(f"{images.url}/mine/")
    assert not any(method in page.text for method in METHODS)
    assert visitor.get(f"/stimuli/{next(iter(checksums))}.webp").status_code == 404


def test_simulated_people_take_part_all_the_same(folder: Path, images: Images) -> None:
    said = run("simulate", folder, "--people", "2")
    assert said.returncode == 0 and "2 finished" in said.stdout, said.stderr


def test_serve_says_where_images_are_and_how_they_get_there(
    folder: Path, images: Images, production: Start
) -> None:
    server = production(folder)
    line = server.output.read_text().splitlines()[2]
    assert line.startswith(f"images:       {images.url}/mine, copied by ")
    assert f"rsync -rt {folder}/stimuli/ " in line and f"aws s3 sync {folder}/stimuli " in line


@pytest.mark.slow
def test_check_looks_at_every_image(folder: Path, images: Images, copied: Path) -> None:
    said = run("check", folder)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"{images.url}/mine: all 24 images of {folder}\n"
    assert len(images.asked) == 24
    last = sorted(copied.iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-1])
    said = run("check", folder)
    assert said.returncode == 2 and said.stderr.count("\n") == 1 and said.stdout == ""
    assert f"{images.url}/mine/{last.name}: " in said.stderr
    assert f"{last.stat().st_size:,} bytes that are not this study's image; copy" in said.stderr


@pytest.mark.slow
def test_images_that_are_not_there(folder: Path, images: Images, copied: Path) -> None:
    shutil.rmtree(copied)
    said = run("check", folder)
    assert said.returncode == 2 and said.stderr.count("\n") == 1
    assert ".webp: 404" in said.stderr and "(and 23 more of 24)" in said.stderr
    assert f"rsync -rt {folder}/stimuli/ " in said.stderr
    said = run("serve", folder)
    assert said.returncode == 2 and ".webp: 404" in said.stderr and said.stdout == ""


@pytest.mark.slow
def test_images_that_browsers_would_refuse(folder: Path, images: Images) -> None:
    images.says["Cross-Origin-Resource-Policy"] = "same-origin"
    said = run("check", folder)
    assert said.returncode == 2 and "Cross-Origin-Resource-Policy: same-origin" in said.stderr
    images.says["Cross-Origin-Resource-Policy"] = "cross-origin"
    assert run("check", folder).returncode == 0


@pytest.mark.slow
def test_a_redirect_that_browsers_would_refuse(folder: Path, images: Images, copied: Path) -> None:
    """The pages allow images of one origin, whatever else a server may follow."""
    with sent(copied.parent) as other:
        images.moved = ("/mine/", f"{other.url}/mine/")
        for command in ("check", "serve"):
            said = run(command, folder)
            assert said.returncode == 2 and said.stderr.count("\n") == 1 and said.stdout == ""
            assert f": redirects to {other.url}/mine/" in said.stderr
            assert "another origin" in said.stderr and "server.stimuli_url" in said.stderr


def test_a_redirect_to_nowhere(folder: Path, images: Images) -> None:
    images.moved = ("/mine/", "https://images..example.org/")
    said = run("check", folder)
    assert said.returncode == 2 and said.stderr.endswith(".webp: no answer\n")


@pytest.mark.slow
def test_a_redirect_within_the_host(folder: Path, images: Images, copied: Path) -> None:
    copied.rename(copied.parent / "new")
    images.moved = ("/mine/", "/new/")
    said = run("check", folder)
    assert (said.returncode, said.stderr) == (0, "")


def test_a_host_that_cannot_be_reached_from_here(
    folder: Path, images: Images, production: Start
) -> None:
    """It may be from participants' browsers: serving goes on, checking cannot."""
    images.shutdown()
    images.server_close()
    said = run("check", folder)
    assert said.returncode == 2 and said.stderr.endswith(".webp: no answer\n")
    server = production(folder)
    assert "warning: http" in server.output.read_text().splitlines()[0]


def test_check_of_images_that_are_here(folder: Path) -> None:
    said = run("check", folder)
    assert said.returncode == 0 and said.stdout == f"{folder}/stimuli: all 24 images of {folder}\n"
    one = next((folder / stimuli.FOLDER).iterdir())
    one.write_bytes(b"RIFF")
    said = run("check", folder)
    assert said.returncode == 2 and f"{one}: not the image that create wrote" in said.stderr
    one.unlink()
    cannot_be_read(one)
    said = run("check", folder)
    assert (
        said.returncode == 2 and said.stderr == f"error: {one}: Input/output error; copy it again\n"
    )
    one.unlink()
    said = run("check", folder)
    assert said.returncode == 2 and f"{one} is missing" in said.stderr
    assert "server.stimuli_url" in said.stderr


@pytest.mark.parametrize(
    ("url", "public", "complaint"),
    [
        ("ftp://x", "", "server.stimuli_url = 'ftp://x': must begin with https:// or http://"),
        ("https://x/y;script-src *", "", "must be an address such as https://"),
        ("https://x y", "", "must be an address such as https://"),
        ("https://me:word@x/", "", "must be an address such as https://"),
        ("https://x/?key=1", "", "must be an address such as https://"),
        ("https://images..example.org/mine", "", "must be an address such as https://"),
        (f"https://{'x' * 64}.org", "", "must be an address such as https://"),
        ("https://x:99999/", "", "stimuli_url = 'https://x:99999/': port out of range"),
        ("https://", "", "server.stimuli_url = 'https://': names no host"),
        ("http://[::1/mine", "", "browsers cannot be told an IPv6 address"),
        ("http://[::1]/mine", "", "browsers cannot be told an IPv6 address"),
        ("", "http://[::1/mine", "server.public_url = 'http://[::1/mine': invalid IPv6 URL"),
        ("http://x", "https://study.example", "stimuli_url must begin with https:// as public_url"),
    ],
)
def test_an_address_that_cannot_be(folder: Path, url: str, public: str, complaint: str) -> None:
    show_from(url, folder)
    file = folder / "study.toml"
    file.write_text(file.read_text().replace('public_url = ""', f'public_url = "{public}"'))
    said = run("status", folder)
    assert said.returncode == 2 and complaint in said.stderr and said.stderr.count("\n") == 1
