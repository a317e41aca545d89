"""Begins to train the dropout model as a fresh process; for `end_to_end.py`.

    python benchmarks/_first_steps.py DATASET

DATASET is a name that `datasets.resolve` returned. Prints, as JSON, the seconds
that each part of the start took, those from the start of the process to the end
of the first training step, and the peak memory of four steps on the whole
training split with 30 % of it held out, and one of validation.
"""

import json
import pathlib
import sys

from cifar10_tf import config as config_lib
from cifar10_tf import machine

_NUM_STEPS = 4


def main(dataset_name: str) -> None:
    """Does what the `train` command does, as far as the first steps."""
    machine.start_tensorflow()
    from cifar10_tf import callbacks, run_data, setting_up, training_loop

    times = {"import": machine.process_sec()}
    config = config_lib.make_config(
        model="dropout",
        dataset=dataset_name,
        precision="auto",
        augment="flip,crop",
    )
    setting_up.set_up_tensorflow(config)
    data = run_data.load(config)
    times["data"] = machine.process_sec()

    setting_up.set_precision(config)
    model = setting_up.compiled_model(
        config, num_classes=len(data.class_names), num_steps=_NUM_STEPS
    )
    times["model"] = machine.process_sec()

    throughput = callbacks.Throughput(data.num_train, config.batch_size)
    training_loop.fit(
        model,
        data.train.of_steps(config.batch_size),
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
        "peak_rss_mib": _peak_rss_mib(),
    }
    print(json.dumps(result))


def _peak_rss_mib() -> float | None:
    """Returns the most memory that the process has had; Linux only."""
    try:
        # A child's ru_maxrss begins at what its parent had.
        status = pathlib.Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return None
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(sys.argv[1])
