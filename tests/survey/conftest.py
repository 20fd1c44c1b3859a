"""A tiny study of small images, and people who take part in it over real HTTP."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from flask import Flask
from PIL import Image as PillowImage
from werkzeug.serving import WSGIRequestHandler, make_server

from survey.setup import create
from survey.storage.open_study import OpenStudy
from survey.web.app import create_app
from survey.web.simulate import CSRF, IMAGE
from tests.command_line import Done
from tests.command_line import run as run_command
from tests.survey.places import backend, busy, cluster, production, watched  # noqa: F401

PAGE_ID = re.compile(r'name="id" value="([0-9a-f]+)"')
METHODS = ("telea", "patchmatch", "two-stage:telea")
# Long enough that no random name holds it by chance.
OWN_WORDS = (*METHODS, "reference")


def write_images(folder: Path, images: int = 6, size: int = 48) -> list[str]:
    """METHOD=DIR for --images: a grey of its own for each method, noise around it."""
    given = []
    for number, method in enumerate((*METHODS, "reference")):
        place = folder / method.replace(":", "_")
        place.mkdir(parents=True)
        for image in range(images):
            pixels = np.random.default_rng(image).integers(0, 256, (size, size, 3), np.uint8)
            pixels[size // 3 : 2 * size // 3, size // 3 : 2 * size // 3] = 60 * number
            PillowImage.fromarray(pixels).save(place / f"photo{image}.png")
        given.append(f"{method}={place}")
    return given


def make_study(folder: Path, images: int = 6, **wanted: Any) -> Path:
    """A study of 3 methods; 5 questions and 2 validation questions for each person, of whom nobody
    may fail one, as in the paper."""
    given = write_images(folder / "images", images)
    settings = {"check": "telea", "pairs": 5, "checks": 2, **wanted}
    asked = create.Request(out=folder / "study", images=given, **settings)
    create.create(asked, create.find_images(asked))
    file = folder / "study" / "study.toml"
    file.write_text(file.read_text().replace("max_failed_checks = 1", "max_failed_checks = 0"))
    return folder / "study"


def cannot_be_read(path: Path) -> None:
    """Make a file that is there, and fails as one on a broken disk does."""
    path.symlink_to("/proc/self/mem")


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study to copy."""
    return make_study(tmp_path_factory.mktemp("untouched"))


@pytest.fixture
def folder(untouched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untouched, tmp_path / "study"))


class Served:
    """An application on a port of this machine."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.cut_off = cut_off = threading.Event()

        class Handler(WSGIRequestHandler):
            def run_wsgi(self) -> None:
                if cut_off.is_set():
                    raise ConnectionAbortedError
                super().run_wsgi()

        self.server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def study(self) -> OpenStudy:
        found = self.app.extensions["study"]
        assert isinstance(found, OpenStudy)
        return found

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.study.engine.dispose()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    running: list[Served] = []

    def start(folder: Path, **options: bool) -> Served:
        running.append(Served(create_app(folder, **options)))
        return running[-1]

    yield start
    for served in running:
        served.stop()


@pytest.fixture
def served(folder: Path, serve: Callable[..., Served]) -> Served:
    return serve(folder)


class Visitor:
    """Somebody with a browser."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.browser = requests.Session()
        self.csrf = ""
        # Identifiers of questions by position, as pages told them.
        self.asked: dict[int, str] = {}

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.browser.get(self.address + path, timeout=30, **more)

    def post(self, path: str, data: dict[str, str] | None = None, **more: Any) -> requests.Response:
        form = {"csrf_token": self.csrf, **(data or {})}
        return self.browser.post(self.address + path, form, timeout=30, **more)

    def start(self, query: str = "", **form: str) -> requests.Response:
        page = self.get(f"/{query}")
        if page.headers.get("X-Stopped"):
            return page
        found = CSRF.search(page.text)
        assert found, page.text
        self.csrf = found[1]
        carried = dict(part.split("=") for part in query.strip("?").split("&") if part)
        return self.post("/start", {"consent": "yes", **carried, **form})

    def question(self) -> dict[str, Any]:
        answer = self.get("/question", headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        self._remember(answer)
        return answer.json()["question"]

    def vote(self, position: int, choice: str = "left", **more: Any) -> requests.Response:
        body = {
            "id": self.id_of(position),
            "position": position, "choice": choice, "response_ms": 1000, "layout": "side",
            "shown_px": 512, "zoomed": False, "compared": False, **more,
        }  # fmt: skip
        reply = self.browser.post(
            f"{self.address}/vote", json=body, headers={"X-CSRFToken": self.csrf}, timeout=30
        )
        if reply.ok:
            self._remember(reply)
        return reply

    def withdraw(self) -> requests.Response:
        page_id = PAGE_ID.search(self.get("/withdraw").text)
        return self.post("/withdraw", {"id": page_id[1] if page_id else ""})

    def id_of(self, position: int) -> str:
        """What the page of a question sends with its answer, "" where no page was seen."""
        if position not in self.asked:
            self._remember(self.get("/question", headers={"Accept": "application/json"}))
        return self.asked.get(position, "")

    def _remember(self, answer: requests.Response) -> None:
        is_json = answer.headers["Content-Type"] == "application/json"
        if is_json and (asked := answer.json().get("question")):
            self.asked[asked["position"]] = asked["id"]

    def finish(self, choose: Callable[[dict[str, Any]], str] = lambda asked: "left") -> None:
        asked = self.question()
        while asked:
            reply = self.vote(asked["position"], choose(asked))
            assert reply.status_code == 200, reply.text
            asked = reply.json()["question"]


def shown(question: dict[str, Any], study: OpenStudy) -> tuple[str, str]:
    """The methods that a question shows, which only the server knows."""
    made = {one.name: one.method for one in study.stimuli}
    left, right = (made[IMAGE.findall(question[side])[0]] for side in ("left", "right"))
    return left, right


def attentive(study: OpenStudy) -> Callable[[dict[str, Any]], str]:
    """Chooses the original wherever it is shown."""
    return lambda asked: "right" if shown(asked, study)[1] == "reference" else "left"


@pytest.fixture
def visitor(served: Served) -> Visitor:
    return Visitor(served.address)


def run(*words: object) -> Done:
    """python -m survey WORDS, in this process."""
    return run_command("survey", *words)
