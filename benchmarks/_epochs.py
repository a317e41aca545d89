"""Trains for an epoch whenever it is asked to; for `guarantees.py`.

    python benchmarks/_epochs.py CONFIG NUM_STEPS

CONFIG is a config as JSON, its dataset a name that `datasets.resolve` returned.
Each line of the standard input asks for an epoch of NUM_STEPS steps, `saved`
with checkpoints as often as the `train` command writes them, `bare` without.
Answers with a line of JSON: what it took by the clock, and of all cores' time.
"""

import json
import pathlib
import sys
import tempfile
import time

from cifar10_tf import machine
from cifar10_tf.config import Config
from cifar10_tf.flags import FLAGS


def main(config_json: str, num_steps: int) -> None:
    """Does what the `train` command does with an epoch's training steps."""
    config = Config.from_json(config_json)
    machine.start_tensorflow()
    from cifar10_tf import callbacks, run_data, setting_up, training_loop
    from cifar10_tf.checkpoint_callback import Checkpoints

    setting_up.set_up_tensorflow(config)
    setting_up.set_precision(config)
    data = run_data.load(config)
    model = setting_up.compiled_model(
        config, num_classes=len(data.class_names), num_steps=num_steps
    )

    def epoch(directory: pathlib.Path, is_saved: bool) -> dict[str, float]:
        """Trains once through; the directory is for what it writes."""
        throughput = callbacks.Throughput(data.num_train, config.batch_size)
        log = callbacks.MetricsLog(directory / "metrics.jsonl")
        checkpoints = Checkpoints(
            directory,
            run={"settings": config.settings(), "data": data.digest},
            made_by=machine.versions(),
            throughput=throughput,
            log=log,
            every_sec=FLAGS["checkpoint_every_sec"].default,
        )
        start, start_cpu = time.perf_counter(), time.process_time()
        training_loop.fit(
            model,
            data.train.of_steps(config.batch_size),
            epochs=1,
            steps_per_epoch=num_steps,
            callbacks=[throughput, *([checkpoints] if is_saved else []), log],
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
