"""The production server: gunicorn, or waitress on Windows, where gunicorn does not run."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

from methods.errors import InputError
from survey.storage.database import UnavailableError
from survey.web.app import create_app

_THREADS = 8
# For each process: browsers keep several connections open, most of them idle.
_CONNECTIONS = 4000
# Pause between two attempts to reach the database.
RETRY_S = 1


def check_free(host: str, port: int) -> None:
    """Raise InputError if the server cannot listen on this port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: {error.strerror}") from error


def serve(folder: Path, host: str, port: int, workers: int, preview: bool) -> None:
    """Serve a study, by one process in a preview, until the process is asked to stop."""
    if sys.platform == "win32":
        import waitress

        waitress.serve(create_app(folder, preview=preview), host=host, port=port, threads=_THREADS)
        return
    from gunicorn.app.base import BaseApplication
    from gunicorn.workers import gthread

    _raise_open_file_limit()

    class Worker(gthread.ThreadWorker):
        def handle(self, connection: Any) -> Any:
            # Browsers open connections before they need them: these must not occupy a thread.
            if not connection.initialized and not connection.wait_for_data(0):
                return gthread._DEFER
            return super().handle(connection)

        def load_wsgi(self) -> None:
            # Wait for the database: a worker that cannot start would end the whole server.
            reported = False
            while self.alive and self.is_parent_alive():
                try:
                    super().load_wsgi()
                    return
                except UnavailableError as error:
                    if not reported:
                        self.log.error("%s; trying again until it answers", error)
                    reported = True
                self.notify()
                time.sleep(RETRY_S)
            sys.exit(0)

    class Server(BaseApplication):
        def load_config(self) -> None:
            for key, value in _settings(host, port, 1 if preview else workers).items():
                self.cfg.set(key, value)
            self.cfg.set("worker_class", Worker)

        def load(self) -> Any:
            # In each process: two must not share a database connection.
            return create_app(folder, preview=preview)

    Server().run()


def _raise_open_file_limit() -> None:
    """Raise the open-file limit: some systems default to 256, which a busy server exhausts."""
    import resource

    files = 2 * _CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        limit = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _settings(host: str, port: int, workers: int) -> dict[str, Any]:
    return {
        "bind": f"{f'[{host}]' if ':' in host else host}:{port}",
        "workers": workers,
        "threads": _THREADS,
        "worker_connections": _CONNECTIONS,
        "keepalive": 75,
        # It would contain IP addresses, and so do warnings about invalid requests.
        "accesslog": None,
        "loglevel": "error",
        "control_socket_disable": True,
    }
