"""A server in this process, with a network that is none."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple
from unittest import mock

import numpy as np
import uvicorn

from cifar10_tf.deployment.predictor import Predictor
from cifar10_tf.deployment.server import app, server
from tests.deployment.fake_runtime import Brightness

CARD = {
    "title": "fake on CIFAR-10",
    "classes": ["dark", "<grey>", "bright"],
    "runtime": "fake",
    "dataset": "cifar10",
    "num_params": 1234,
    "num_test_examples": 100,
    "test_accuracy": 0.5,
    "test_accuracy_ci95": [0.4, 0.6],
}


class Slow(Brightness):
    """Computes nothing until it may."""

    def __init__(self):
        super().__init__()
        self.may_compute = threading.Event()
        self.computes = threading.Event()

    def _predict(self, images: np.ndarray) -> np.ndarray:
        self.computes.set()
        self.may_compute.wait(60)
        return super()._predict(images)


class Running(NamedTuple):
    """A server: where it is, and how it is stopped."""

    url: str
    address: tuple[str, int]
    server: uvicorn.Server


@contextlib.contextmanager
def running(runtime=None, samples=None) -> Iterator[Running]:
    """Yields a server that answers meanwhile."""
    made = app.make_app(
        Predictor(runtime or Brightness()),
        CARD,
        samples or mock.Mock(),
        own_hosts=("127.0.0.1", "localhost", "[::1]", "x"),
    )
    listening = server.listen("127.0.0.1", 0)
    address = listening.getsockname()[:2]
    of_uvicorn = server.Server(server.config(made))
    thread = threading.Thread(target=of_uvicorn.run, args=([listening],))
    thread.start()
    try:
        while not of_uvicorn.started:
            time.sleep(0.01)
        yield Running(f"http://127.0.0.1:{address[1]}", address, of_uvicorn)
    finally:
        of_uvicorn.should_exit = True
        thread.join(60)
        listening.close()


def connect(server_: Running) -> socket.socket:
    """Returns a connection that says what it likes."""
    return socket.create_connection(server_.address, timeout=30)
