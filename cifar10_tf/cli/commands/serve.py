"""Serve the model of --run_dir: a page and an HTTP interface."""

import ipaddress
import logging

from cifar10_tf.cli import flags
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings.command_options import ServeOptions
from cifar10_tf.system.errors import UserError

TAKES = ("run_dir", "host", "port")

_log = logging.getLogger(__name__)


def run() -> None:
    """Answers until SIGINT or SIGTERM; then ends what has begun.

    Raises:
        UserError: there is no complete run, the address can't be had, or what
            serves is not installed.
    """
    options = flags.options_of(ServeOptions)
    if not options.run_dir:
        raise UserError("serve needs --run_dir=DIRECTORY, that of a run.")
    run = StudyDirectory.one_run(options.run_dir)
    run.read_config()
    run.read_summary()
    try:
        from cifar10_tf.deployment.server import app, server
    except ModuleNotFoundError as error:
        raise UserError(
            f"serve needs {error.name}: pip install 'cifar10_tf[serve]'"
        ) from error
    from cifar10_tf.deployment.predictor import Predictor
    from cifar10_tf.deployment.server import fastest, model_card
    from cifar10_tf.deployment.server.samples import Samples

    with server.listen(options.host, options.port) as listening:
        if not _is_loopback(options.host):
            _log.warning(
                "%s: whoever reaches this machine can use the server; there is "
                "no password and no encryption.",
                options.host,
            )
        runtime, speeds = fastest.choose(run.path)
        card = model_card.of_run(run, runtime, speeds)
        for name, speed in speeds.items():
            print(
                f"{name:<13} {speed['latency_ms']['median']:6.2f} ms an image, "
                f"{speed['images_per_sec']['median']:,.0f} images/s together"
            )
        if len(speeds) == 1:
            print("export --format=onnx makes what may be faster.")
        host, port = listening.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        print(
            f"{card['title']}, by {runtime.name}: http://{host}:{port}\n"
            "Ctrl-C ends it.",
            flush=True,
        )
        server.serve(
            app.make_app(Predictor(runtime), card, Samples(run)), listening
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
