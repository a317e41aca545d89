"""Trains for an epoch whenever it is asked to; a program of `guarantees.py`.

Its arguments are a config as JSON, whose dataset is a name that
`resolve_dataset` returned, and a number of steps. Each line of the standard
input asks for an epoch of so many steps, `saved` with checkpoints as often as
the `train` command writes them, `bare` without. Answers with a line of JSON:
what it took by the clock, and of all cores' time.
"""

import json
import pathlib
import sys
import tempfile
import time

from cifar10_tf.settings.config import Config
from cifar10_tf.settings.options import make_options
from cifar10_tf.system import inventory
from cifar10_tf.system.tensorflow_startup import start_tensorflow


def main(config_json: str, num_steps: int) -> None:
    """Does what the `train` command does with an epoch's training steps."""
    config = Config.from_json(config_json)
    start_tensorflow()
    from cifar10_tf.training import loop, precision, training_data
    from cifar10_tf.training.callbacks.divergence import Divergence
    from cifar10_tf.training.callbacks.metrics_log import MetricsLog
    from cifar10_tf.training.callbacks.throughput import Throughput
    from cifar10_tf.training.checkpointing.background_writer import (
        CheckpointWriter,
    )
    from cifar10_tf.training.checkpointing.provenance import Provenance
    from cifar10_tf.training.checkpointing.when_to_save import Checkpoints
    from cifar10_tf.training.compiled_model import compiled_model
    from cifar10_tf.training.distribution.workers import Workers
    from cifar10_tf.training.trainer import set_up_tensorflow

    set_up_tensorflow(config)
    precision.set_policy(config.precision)
    data = training_data.load(config)
    model = compiled_model(
        config, num_classes=len(data.class_names), num_steps=num_steps
    )
    provenance = Provenance(
        run={"settings": config.settings(), "data": data.digest},
        environment=inventory.versions(),
    )

    def epoch(directory: pathlib.Path, is_saved: bool) -> dict[str, float]:
        """Trains once through; the directory is for what it writes."""
        throughput = Throughput(data.num_train, config.batch_size)
        log = MetricsLog(directory / "metrics.jsonl")
        saving = []
        if is_saved:
            writer = CheckpointWriter(directory)
            checkpoints = Checkpoints(
                Workers(),
                writer,
                provenance,
                throughput=throughput,
                log=log,
                every_sec=make_options().checkpoint_every_sec,
            )
            saving = [Divergence(writer.kept), checkpoints]
        start, start_cpu = time.perf_counter(), time.process_time()
        loop.fit(
            model,
            {0: data.train.shuffled(config.batch_size)},
            epochs=1,
            steps_per_epoch=num_steps,
            callbacks=[throughput, *saving, log],
        )
        return {
            "sec": time.perf_counter() - start,
            "cpu_sec": time.process_time() - start_cpu,
        }

    for line in sys.stdin:
        with tempfile.TemporaryDirectory() as directory:
            took = epoch(pathlib.Path(directory), line.strip() == "saved")
        print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
