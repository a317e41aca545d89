"""Serve the model of --run_dir: a page and an HTTP interface."""

import ipaddress
import logging
from collections.abc import Collection
from typing import TYPE_CHECKING

from cifar10_tf.cli import flags, libraries
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings.command_options import ServeOptions
from cifar10_tf.system.errors import UserError

if TYPE_CHECKING:
    from fastapi import FastAPI

TAKES = ("run_dir", "host", "port")

_log = logging.getLogger(__name__)


# The names of this machine for itself.
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def run() -> None:
    """Answers until SIGINT or SIGTERM; then ends what has begun.

    Raises:
        UserError: there is no complete run, the address can't be had, or what
            serves is not installed.
    """
    options = flags.options_of(ServeOptions)
    if not options.run_dir:
        raise UserError("serve needs --run_dir=DIRECTORY, that of a run.")
    directory = StudyDirectory.one_run(options.run_dir)
    directory.read_config()
    directory.read_summary()
    libraries.check("serve", ("fastapi", "python_multipart", "uvicorn"))
    from cifar10_tf.deployment.server import server

    with server.listen(options.host, options.port) as listening:
        is_loopback = _is_loopback(options.host)
        if not is_loopback:
            _log.warning(
                "%s: whoever reaches this machine can use the server; there is "
                "no password and no encryption.",
                options.host,
            )
        app = _make_app(directory, _LOOPBACK if is_loopback else None)
        host, port = listening.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        print(
            f"{app.description}: http://{host}:{port}\nCtrl-C ends it.",
            flush=True,
        )
        server.serve(app, listening)


def _make_app(
    directory: RunDirectory, own_hosts: Collection[str] | None
) -> "FastAPI":
    """Returns what answers, by the fastest runtime; prints how fast each is."""
    from cifar10_tf.deployment.predictor import Predictor
    from cifar10_tf.deployment.server import app, fastest, model_card
    from cifar10_tf.deployment.server.samples import Samples

    runtime, speeds = fastest.choose(directory.path)
    for name, speed in speeds.items():
        print(
            f"{name:<13} {speed['latency_ms']['median']:6.2f} ms an image, "
            f"{speed['images_per_sec']['median']:,.0f} images/s together"
        )
    if len(speeds) == 1:
        print("export --format=onnx makes what may be faster.")
    card = model_card.of_run(directory, runtime, speeds)
    return app.make_app(Predictor(runtime), card, Samples(directory), own_hosts)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
