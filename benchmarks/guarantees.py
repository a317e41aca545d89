"""Times what exact resume and determinism cost a training.

    python benchmarks/guarantees.py [--quick] [--output=FILE.json]
        [--dataset=auto]

Epochs of the dropout model, batch 256, in the precision that this machine gains
from, in turn (--quick: of 10 steps):

- bare: without checkpoints;
- saved: with checkpoints as the `train` command writes them, every minute and
  at the end of the epoch, into the system's directory of temporary files;
- deterministic: bare, with --deterministic, in a process of its own.

Prints the seconds of an epoch's training steps, and until the last checkpoint
is on the disk, by the clock (sec) and of all cores' time (cpu_sec), which
depends less on what else the machine does; then the ratios to bare within each
round. The data are those that --dataset=auto trains on.
"""

import contextlib
import json
import subprocess
import sys

from harness.fresh_process import start
from harness.report import parser, ratios, report, row
from harness.subjects import in_turn

from cifar10_tf.datasets import names
from cifar10_tf.datasets.resolving import resolve_dataset
from cifar10_tf.settings.config import Config, make_config
from cifar10_tf.training import precision

_METRICS = ("sec", "cpu_sec")


class _Trainer:
    """A process that trains an epoch when asked to."""

    def __init__(self, config: Config, num_steps: int):
        self._process = start(
            "epochs_on_request",
            config.to_json(),
            str(num_steps),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def epoch(self, kind: str) -> dict[str, float]:
        """Returns the seconds of an epoch, `saved` or `bare`."""
        print(kind, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"error: a training ended with {self._process.wait()}.")
        return json.loads(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Runs the benchmark that this file's docstring describes."""
    flags = parser(__doc__)
    flags.add_argument("--dataset", default="auto")
    arguments = flags.parse_args()
    num_steps, repeats = (10, 2) if arguments.quick else (137, 9)
    dataset = resolve_dataset(arguments.dataset, "")
    values = measure(dataset, num_steps, repeats)
    policy, _ = precision.for_this_machine()
    case = f"dropout, {policy}, {num_steps} steps, {names.title(dataset)}"
    report("guarantees", make_rows(case, values), arguments)


def measure(
    dataset: str, num_steps: int, repeats: int
) -> dict[str, list[dict[str, float]]]:
    """Returns what each kind's epochs took, one a round."""
    with contextlib.ExitStack() as stack:

        def trainer(**settings) -> _Trainer:
            config = make_config(
                model="dropout", dataset=dataset, precision="auto", **settings
            )
            return stack.enter_context(
                contextlib.closing(_Trainer(config, num_steps))
            )

        ordinary = trainer()
        deterministic = trainer(deterministic=True)
        kinds = {
            "bare": lambda: ordinary.epoch("bare"),
            "saved": lambda: ordinary.epoch("saved"),
            "deterministic": lambda: deterministic.epoch("bare"),
        }
        return in_turn(kinds, repeats, show=_show)


def _show(took: dict[str, float]) -> str:
    return " ".join(f"{name} {took[name]:.4g}" for name in _METRICS)


def make_rows(
    case: str, values: dict[str, list[dict[str, float]]]
) -> list[dict]:
    """Returns the results: seconds of each kind, then ratios to bare."""
    rows = []
    for metric in _METRICS:
        of = {kind: [took[metric] for took in v] for kind, v in values.items()}
        rows += [
            row(f"{case}, {kind}", "cifar10_tf", metric, "s", v)
            for kind, v in of.items()
        ]
        bare = of.pop("bare")
        rows += [
            row(
                f"{case}, {kind} / bare",
                "cifar10_tf",
                f"{metric}_ratio",
                "1",
                ratios(v, bare),
            )
            for kind, v in of.items()
        ]
    return rows


if __name__ == "__main__":
    main()
