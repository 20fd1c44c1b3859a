"""What somebody does with a page and sees of it, in any engine."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from tests.browser.drivers import Driver, Json

PATIENCE_S = 60
FINGERS = Path(__file__).with_name("fingers.js")
# As WebDriver codes them.
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Shift": "\ue008",
    "Escape": "\ue00c",
    "Left": "\ue012",
    "Right": "\ue014",
}
Place = tuple[float, float]
Box = tuple[float, float, float, float]


class Person:
    def __init__(self, driver: Driver, address: str) -> None:
        self.driver = driver
        self.address = address

    def go(self, path: str) -> None:
        self.driver.go(self.address + path)

    # Sees

    def until(self, script: str) -> Any:
        """Wait until an expression is true in the page."""
        until = time.monotonic() + PATIENCE_S
        while True:
            found = self.driver.run(f"return document.readyState === 'complete' && ({script})")
            # An element arrives as an empty object.
            if found is not None and found is not False:
                return found
            assert time.monotonic() < until, f"never true: {script}\n{self.text()}"
            time.sleep(0.02)

    def text(self) -> str:
        return str(self.driver.run("return document.body.innerText"))

    def reads(self, words: str) -> None:
        """Wait until words are to be read."""
        self.until(f"document.body.innerText.includes({json.dumps(words)})")

    def arrives(self, path: str) -> None:
        self.until(f"location.pathname === {json.dumps(path)}")

    def ready(self, position: int, total: int) -> None:
        """Wait until a question can be answered."""
        count = json.dumps(f"{position} of {total}")
        self.until(
            f"document.querySelector('#count')?.textContent === {count} && "
            "document.querySelector('[data-choice=left]').ariaDisabled === 'false'"
            # Not a page of the browser's cache, which is about to be loaded again.
            " && !document.body.inert"
        )

    def boxes(self, selector: str) -> list[Box]:
        return [
            tuple(box)
            for box in self.driver.run(
                f"return [...document.querySelectorAll({json.dumps(selector)})].map((one) => "
                "{ const b = one.getBoundingClientRect(); "
                "return [b.left, b.top, b.width, b.height]; })"
            )
        ]

    def middle(self, selector: str, number: int = 0) -> Place:
        """Scroll to an element, and return where its middle is then."""
        self.driver.run(
            f"document.querySelectorAll({json.dumps(selector)})[{number}]"
            ".scrollIntoView({block: 'nearest', behavior: 'instant'})"
        )
        left, top, width, height = self.boxes(selector)[number]
        return left + width / 2, top + height / 2

    def looks(self, selector: str) -> list[np.ndarray]:
        """The pixels of all such elements."""
        picture = PillowImage.open(io.BytesIO(self.driver.picture())).convert("RGB")
        ratio = self.driver.run("return devicePixelRatio")
        cuts = [
            [ratio * side for side in (x, y, x + width, y + height)]
            for x, y, width, height in self.boxes(selector)
        ]
        # A pixel at the rim belongs to the element only in part.
        return [
            np.asarray(picture.crop((int(a) + 2, int(b) + 2, int(c) - 2, int(d) - 2)))
            for a, b, c, d in cuts
        ]

    # Does

    def mouse(self, *actions: Json) -> None:
        parameters = {"pointerType": "mouse"}
        self.driver.act(
            {"type": "pointer", "id": "mouse", "parameters": parameters, "actions": actions}
        )

    def click(self, selector: str) -> None:
        self.mouse(to(*self.middle(selector)), PRESS, RELEASE)

    def wheel(self, place: Place, turned: int, times: int = 1) -> None:
        x, y = place
        scroll = {"type": "scroll", "x": round(x), "y": round(y), "deltaX": 0, "deltaY": turned}
        step = {**scroll, "duration": 0, "origin": "viewport"}
        # Not in one go: WebKit would make one event of them.
        for _ in range(times):
            self.driver.act({"type": "wheel", "id": "wheel", "actions": [step]})

    def keys(self, *names: str) -> None:
        """Press keys one after the other; Shift+Left as one."""
        actions = []
        for name in names:
            codes = [KEYS.get(one, one) for one in (name.split("+") if len(name) > 1 else name)]
            actions += [{"type": "keyDown", "value": code} for code in codes]
            actions += [{"type": "keyUp", "value": code} for code in reversed(codes)]
        self.driver.act({"type": "key", "id": "keys", "actions": actions})

    def key(self, name: str, kind: str) -> None:
        """Press a key, or release it."""
        action = {"type": kind, "value": KEYS.get(name, name)}
        self.driver.act({"type": "key", "id": "keys", "actions": [action]})

    def fingers(self, *ways: list[Json]) -> None:
        if not self.driver.has_touch:
            self.driver.run(f"const ways = {json.dumps(ways)};\n{FINGERS.read_text()}")
            return
        self.driver.act(
            *(
                {
                    "type": "pointer",
                    "id": f"finger {number}",
                    "parameters": {"pointerType": "touch"},
                    "actions": way,
                }
                for number, way in enumerate(ways)
            )
        )

    def lift(self) -> None:
        """Take a finger away that rests."""
        if self.driver.has_touch:
            self.driver.release()
        else:
            self.fingers([RELEASE])

    def tap(self, place: Place, times: int = 1) -> None:
        self.fingers([to(*place), PRESS, RELEASE] * times)


PRESS: Json = {"type": "pointerDown", "button": 0}
RELEASE: Json = {"type": "pointerUp", "button": 0}


def to(x: float, y: float, during_ms: int = 0) -> Json:
    return {"type": "pointerMove", "x": round(x), "y": round(y), "duration": during_ms}
