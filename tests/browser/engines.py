"""The three engines that people's browsers have: Chromium, Firefox (Gecko) and WebKit."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.browser.drivers import Bidi, Classic, Driver, Firefox, end, serving
from tests.browser.study import PHONE, WIDE

# Opens a page of somebody new; with True on a phone.
Open = Callable[[bool], Driver]
DEBIAN_LIBRARIES = Path("/usr/lib")
SCREEN = "1600x1300x24"
PREFERENCES = {
    "dom.w3c_touch_events.enabled": 1,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
# Without it the buttons in MiniBrowser's frame keep its window wider than a phone.
FRAME = "* { padding: 0; margin: 0; border-width: 0; min-width: 0; font-size: 6px; }"


def needed(name: str | None, package: str, *others: str) -> str:
    """Return the path of a program, or skip the test."""
    found = next(filter(None, map(shutil.which, filter(None, (name, *others)))), None)
    if found is None:
        pytest.skip(f"needs {package} (Debian: apt-get install {package})")
    return found


def sized(driver: Driver, phone: bool) -> Driver:
    size = PHONE["viewport"] if phone else WIDE
    driver.resize(size["width"], size["height"])
    return driver


@contextmanager
def chromium(folder: Path) -> Iterator[Open]:
    browser = needed(CHROMIUM, "chromium")
    program = needed("chromedriver", "chromium-driver")
    options = {"binary": browser, "args": ["--headless", *OPTIONS]}
    metrics = {**PHONE["viewport"], "pixelRatio": PHONE["device_scale_factor"], "touch": True}
    on_phone = {"mobileEmulation": {"deviceMetrics": metrics}}

    def open_page(phone: bool) -> Driver:
        wanted = {**options, **(on_phone if phone else {})}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": wanted}
        driver = Classic(address, capabilities, has_touch=phone)
        return driver if phone else sized(driver, phone)

    with serving(program, dict(os.environ)) as address:
        yield open_page


@contextmanager
def firefox(folder: Path) -> Iterator[Open]:
    program = needed("firefox-esr", "firefox-esr", "firefox")
    running = Firefox(program, folder, PREFERENCES)
    try:
        ratio = PHONE["device_scale_factor"]
        yield lambda phone: sized(Bidi(running, ratio if phone else 1), phone)
    finally:
        running.stop()


@contextmanager
def webkit(folder: Path) -> Iterator[Open]:
    program = needed("WebKitWebDriver", "webkit2gtk-driver")
    needed("Xvfb", "xvfb")
    places = map(str, DEBIAN_LIBRARIES.glob("*/webkit2gtk-4.*/MiniBrowser"))
    browser = needed(next(places, None), "webkit2gtk-driver")
    options = {"binary": browser, "args": ["--automation"]}
    (folder / "gtk-3.0").mkdir()
    (folder / "gtk-3.0" / "gtk.css").write_text(FRAME)
    with screen() as display:
        environment = {
            **os.environ,
            "DISPLAY": display,
            "GDK_BACKEND": "x11",
            "XDG_CONFIG_HOME": str(folder),
            "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
        }
        with serving(program, environment) as address:
            wanted = {"webkitgtk:browserOptions": options}
            yield lambda phone: sized(Classic(address, wanted, has_touch=False), phone)


@contextmanager
def screen() -> Iterator[str]:
    """A screen that nobody sees: MiniBrowser has to have one."""
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    number = process.stdout.readline().strip()
    try:
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        end(process)


ENGINES: dict[str, Callable[[Path], AbstractContextManager[Open]]] = {
    "chromium": chromium,
    "firefox": firefox,
    "webkit": webkit,
}
