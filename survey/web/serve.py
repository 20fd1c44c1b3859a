"""The production server: gunicorn, or waitress where that does not run (Windows)."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from survey.storage.database import AwayError
from survey.web.app import create_app

# Two processes with eight threads keep two cores busy while some wait for the disk.
WORKERS, THREADS = 2, 8
# Requests under way at a stop get this long.
GRACE_S = 30
# Of each process: browsers keep several connections open, most of them idle.
CONNECTIONS = 4000
# Between two looks whether the database is back.
RETRY_S = 1


def serve(folder: Path, host: str, port: int, workers: int, preview: bool) -> None:
    """Serve a study until it is told to stop."""
    if sys.platform == "win32":
        import waitress

        waitress.serve(create_app(folder, preview=preview), host=host, port=port, threads=THREADS)
        return
    from gunicorn.app.base import BaseApplication
    from gunicorn.workers import gthread

    _allow_connections()

    class Worker(gthread.ThreadWorker):
        """Browsers open connections before they need them: none of these holds a thread."""

        def handle(self, connection: Any) -> Any:
            if not connection.initialized and not connection.wait_for_data(0):
                return gthread._DEFER
            return super().handle(connection)

        def load_wsgi(self) -> None:
            """One that replaces another while the database is away would end the whole server."""
            said = False
            while self.alive and self.is_parent_alive():
                try:
                    super().load_wsgi()
                    return
                except AwayError as error:
                    if not said:
                        self.log.error("%s; trying again until it answers", error)
                    said = True
                self.notify()
                time.sleep(RETRY_S)
            sys.exit(0)

    class Server(BaseApplication):
        def load_config(self) -> None:
            for key, value in _settings(host, port, 1 if preview else workers).items():
                self.cfg.set(key, value)
            self.cfg.set("worker_class", Worker)

        def load(self) -> Any:
            # In each process: a database connection must not be shared by two.
            return create_app(folder, preview=preview)

    Server().run()


def _allow_connections() -> None:
    """Systems begin with as few as 256 open files; a server that has no more of them falls over."""
    import resource

    files = 2 * CONNECTIONS
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        wanted = files if most == resource.RLIM_INFINITY else min(files, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _settings(host: str, port: int, workers: int) -> dict[str, Any]:
    """No access log: it would hold IP addresses."""
    return {
        "bind": f"{f'[{host}]' if ':' in host else host}:{port}",
        "workers": workers,
        "threads": THREADS,
        "worker_connections": CONNECTIONS,
        "keepalive": 75,
        "backlog": 2048,
        "graceful_timeout": GRACE_S,
        "accesslog": None,
        # Warnings name addresses of those whose requests make no sense.
        "loglevel": "error",
        "control_socket_disable": True,
    }
