"""GIMP's windows from the side of a user at the keyboard, through xdotool."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from gi.repository import Gimp

# Title of the main window while it shows an image.
MAIN = ". GIMP$"
SECONDS = 30.0
POLL_SECONDS = 0.1


def until(holds: Callable[[], bool]) -> bool:
    """Waits until something holds; False when it does not in half a minute."""
    end = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def show(image: Gimp.Image) -> Gimp.Display:
    """Shows an image, and waits for its window."""
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    until(lambda: bool(find(MAIN)))
    return display


def find(title: str) -> str:
    """The id of a window whose title matches, empty where there is none."""
    command = ["xdotool", "search", "--onlyvisible", "--name", title]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return (found.stdout.split() or [""])[-1]


def press(title: str, key: str) -> None:
    """A key pressed and released in a window."""
    subprocess.run(["xdotool", "windowfocus", find(title), "key", key], check=True)
