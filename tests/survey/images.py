"""A host that sends the images of a study, and nothing else: any static server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from survey.study import config


class Images(ThreadingHTTPServer):
    """Of a folder, on a port of this machine. asked: headers of each request; says: more headers
    of its answers; moved: the start of addresses that it redirects, and what comes instead."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[dict[str, str]] = []
        self.says: dict[str, str] = {}
        self.moved = ("nowhere", "")
        images = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *given: object) -> None:
                super().__init__(*given, directory=str(folder))  # type: ignore[arg-type]

            def do_GET(self) -> None:
                old, new = images.moved
                if not self.path.startswith(old):
                    super().do_GET()
                    return
                self.send_response(302)
                self.send_header("Location", new + self.path.removeprefix(old))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def end_headers(self) -> None:
                images.asked.append(dict(self.headers))
                for name, value in images.says.items():
                    self.send_header(name, value)
                super().end_headers()

            def log_message(self, *words: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def sent(folder: Path) -> Iterator[Images]:
    with Images(folder) as images:
        thread = threading.Thread(target=images.serve_forever, daemon=True)
        thread.start()
        yield images
        images.shutdown()
        thread.join()


def show_from(url: str, study: Path) -> None:
    file = study / config.FILE
    text = file.read_text()
    assert 'stimuli_url = ""' in text
    file.write_text(text.replace('stimuli_url = ""', f'stimuli_url = "{url}"'))
