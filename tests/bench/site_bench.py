"""How fast a results site opens: `python -m tests.bench.site_bench`.

For a run of 20 methods x 100 photographs x 4 resolutions: seconds to write the site, its size, and
seconds until each page is loaded in a fresh tab of headless Chromium, from disk, as wide as a
desktop and as a phone. Needs Chromium.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from analysis.site.build import build
from tests.analysis.conftest import journaled
from tests.bench import analysis_bench
from tests.browser.conftest import CHROMIUM, OPTIONS

CASES = 8000
WIDTHS = (1400, 390)
REPEATS = 3


def main() -> None:
    # Larger than the pictures of a site, so that these have their full size.
    analysis_bench.TINY = 400
    with TemporaryDirectory() as folder:
        run, site = Path(folder) / "run", Path(folder) / "site"
        analysis_bench.run_folder(run, CASES)
        journaled(run)
        started = time.perf_counter()
        build([run], site, None, False, "Results", [], lambda *_: None)
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        print(f"written in {time.perf_counter() - started:.0f} s, {size / 2**20:.0f} MB")
        opened(site)


def opened(site: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        for path in sorted(site.glob("*.html")):
            for width in WIDTHS:
                seconds = []
                for _ in range(REPEATS):
                    page = browser.new_page(viewport={"width": width, "height": 900})
                    started = time.perf_counter()
                    page.goto(path.as_uri(), wait_until="load")
                    seconds.append(time.perf_counter() - started)
                    page.close()
                print(f"{path.name}, {width} px wide: {min(seconds):.2f}-{max(seconds):.2f} s")


if __name__ == "__main__":
    main()
