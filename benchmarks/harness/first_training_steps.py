"""Begins to train the dropout model; a program of `end_to_end.py`.

Its argument is the name of a dataset that `resolve_dataset` returned. Prints,
as JSON, the seconds that each part of the start took, those from the start of
the process to the end of the first training step, and the peak memory of four
steps on the whole training split with 30 % of it held out, and one of
validation.
"""

import json
import sys

from cifar10_tf.settings.config import make_config
from cifar10_tf.system.process_clock import process_sec
from cifar10_tf.system.tensorflow_startup import start_tensorflow
from harness.peak_memory import peak_rss_mib

_NUM_STEPS = 4


def main(dataset_name: str) -> None:
    """Does what the `train` command does, as far as the first steps."""
    start_tensorflow()
    from cifar10_tf.training import loop, precision, training_data
    from cifar10_tf.training.callbacks.throughput import Throughput
    from cifar10_tf.training.compiled_model import compiled_model
    from cifar10_tf.training.trainer import set_up_tensorflow

    times = {"import": process_sec()}
    config = make_config(
        model="dropout",
        dataset=dataset_name,
        precision="auto",
        augment="flip,crop",
    )
    set_up_tensorflow(config)
    data = training_data.load(config)
    times["data"] = process_sec()

    precision.set_policy(config.precision)
    model = compiled_model(
        config, num_classes=len(data.class_names), num_steps=_NUM_STEPS
    )
    times["model"] = process_sec()

    throughput = Throughput(data.num_train, config.batch_size)
    loop.fit(
        model,
        {0: data.train.shuffled(config.batch_size)},
        epochs=1,
        steps_per_epoch=_NUM_STEPS,
        validation=data.validation.take(1),
        callbacks=[throughput],
    )
    times["first step"] = throughput.first_step_sec

    ends = list(times.values())
    parts_sec = {
        name: end - start
        for name, start, end in zip(times, [0.0, *ends], ends, strict=False)
    }
    result = {
        "parts_sec": parts_sec,
        "first_step_sec": throughput.first_step_sec,
        "peak_rss_mib": peak_rss_mib(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
