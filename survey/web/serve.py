"""The production server: gunicorn, or waitress on Windows, where gunicorn does not run."""

from __future__ import annotations

import socket
import sys
from typing import Any

from methods.errors import InputError
from survey.storage.open_study import OpenStudy, reopened
from survey.web.app import app_of

# Most wait for a request that arrives slowly, not for the database.
_THREADS = 64
# For each process: browsers keep several connections open, most of them idle.
_CONNECTIONS = 4000
# Windows' select takes 512 sockets.
_CONNECTIONS_OF_WINDOWS = 500


def check_free(host: str, port: int) -> None:
    """Raise InputError if the server cannot listen on this port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: {error.strerror}") from error


def serve(study: OpenStudy, host: str, port: int, workers: int) -> None:
    """Serve a study, by one process in a preview, until the process is asked to stop.

    All processes use its files as they were read, those too that replace one that died.
    """
    if sys.platform == "win32":
        _serve_by_waitress(study, host, port)
        return
    from gunicorn.app.base import BaseApplication

    from survey.web.worker import Worker

    _raise_open_file_limit()

    class Server(BaseApplication):
        def load_config(self) -> None:
            for key, value in _settings(host, port, 1 if study.preview else workers).items():
                self.cfg.set(key, value)
            self.cfg.set("worker_class", Worker)

        def load(self) -> Any:
            # In each process: two must not share a database connection.
            return app_of(reopened(study))

    Server().run()


def _serve_by_waitress(study: OpenStudy, host: str, port: int) -> None:
    import waitress

    waitress.serve(
        app_of(reopened(study)),
        host=host,
        port=port,
        threads=_THREADS,
        connection_limit=_CONNECTIONS_OF_WINDOWS,
        # The application itself trusts these headers, if study.toml says so, and no others.
        clear_untrusted_proxy_headers=False,
        ident=None,
    )


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
        # Nobody in front of us sets these; whoever else did would choose our addresses.
        "forwarder_headers": "",
        "control_socket_disable": True,
    }
