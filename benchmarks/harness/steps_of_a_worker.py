"""Times a worker's steps and their parts; a program of `distributed.py`.

Its arguments are a config as JSON, a number of rounds and the network interface
that the worker sends through. TF_CONFIG tells of the other workers, which run
the same program. Prints, as JSON, a list of what `Worker.round` returns.
"""

import json
import sys

from cifar10_tf.settings.config import Config
from cifar10_tf.system.cluster import peers
from cifar10_tf.system.tensorflow_startup import start_tensorflow


def main(config_json: str, num_rounds: int, interface: str) -> None:
    """Does what this file's docstring says."""
    config = Config.from_json(config_json)
    with peers.of_environment() as others:
        start_tensorflow(num_gpus=None)
        from cifar10_tf.training.distribution import devices as distribution
        from harness.parts_of_a_step import Worker

        devices = distribution.choose("auto", others)
        with devices.workers.together():
            worker = Worker(config, devices, interface)
            worker.round()  # traces
            rounds = [worker.round() for _ in range(num_rounds)]
    print(json.dumps(rounds))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
