"""Times input pipelines: this project's against others, on the same images.

    python benchmarks/input_pipeline.py [--quick] [--output=FILE.json]

50,000 random uint8 images of 32x32x3 become shuffled batches of 512, float32
in [0, 1], with labels, in five cases: `none` does no more, then `flip+crop`,
`flip+crop+cutout`, `flip+crop+cutmix`, and `full`, flip, crop, cutout and mixup
(--quick: the first two). The
subjects are described in `peers/`, one file each; those whose package is
missing are left out.

Every subject has a process of its own in each case, and runs alone; within a
case all are measured in turn, each time from a new iterator, after a few
batches that don't count: what a shuffle buffer takes to fill is left out.
Prints images per second, CPU seconds for 1,000 images (the whole process
tree's) and peak memory, and ratios within each round: of images per second:
this project's to the fastest peer's (that of the highest median), to tf.data's
per example, to this project's own method in PyTorch (`peers/torch_windows.py`,
no peer), and to copying the bytes (`peers/memcpy.py`).
"""

import contextlib
import statistics
import sys

from harness.report import parser, ratios, report, row
from harness.subjects import is_installed, turns
from harness.workers import Worker, WorkerError
from peers import CASES, SUBJECTS

_NUM_EXAMPLES = 50_000
_BATCH_SIZE = 512
_OURS, _LIMIT = "cifar10_tf", "memcpy"
# The limit, and this project's own method elsewhere: not what people use.
_NO_PEERS = (_LIMIT, "torch_windows")
_UNITS = {
    "images_per_sec": "images/s",
    "cpu_sec_per_1000_images": "s",
    "peak_rss": "MiB",
}


def main() -> None:
    """Runs the benchmark that this file's docstring describes."""
    arguments = parser(__doc__).parse_args()
    sec, rounds, cases = (
        (0.2, 3, CASES[:2]) if arguments.quick else (1.0, 7, CASES)
    )
    names = [n for n in SUBJECTS if is_installed(n, SUBJECTS[n])]
    rows = []
    for case in cases:
        # The limit is the same in every case.
        subjects = [n for n in names if n != _LIMIT or case == cases[0]]
        values = measure_case(case, subjects, sec, rounds)
        rows += _rows(case, values) + _ratios(case, values)
    packages = {p for name in names for p in SUBJECTS[name]}
    report("input_pipeline", rows, arguments, sorted(packages))


def measure_case(
    case: str, names: list[str], sec: float, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Returns each subject's measurements, one a round.

    A subject that fails is left out, and why is said on stderr.
    """
    values = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        workers = {
            name: Worker(
                f"peers.{name}",
                case=case,
                num_examples=_NUM_EXAMPLES,
                batch_size=_BATCH_SIZE,
            )
            for name in names
        }
        for worker in workers.values():
            stack.callback(worker.close)
        for number, name in turns(names, rounds):
            if name not in values:
                continue
            try:
                # The first round does not count: one batch is enough.
                result = workers[name].measure(sec if number else 0)
            except WorkerError as error:
                print(f"{case} {name}: left out: {error}", file=sys.stderr)
                workers[name].close()
                del values[name]
                continue
            if number:
                values[name].append(result)
            speed = f"{result['images_per_sec']:,.0f} images/s"
            print(f"{case} {number}/{rounds} {name}: {speed}", file=sys.stderr)
    return values


def _rows(case: str, values: dict) -> list[dict]:
    return [
        row(case, name, metric, unit, [r[metric] for r in results])
        for metric, unit in _UNITS.items()
        for name, results in values.items()
    ]


def _ratios(case: str, values: dict) -> list[dict]:
    speeds = {
        name: [r["images_per_sec"] for r in results]
        for name, results in values.items()
    }
    ours = speeds.pop(_OURS, None)
    if ours is None:
        return []
    below = {name: speeds.pop(name) for name in _NO_PEERS if name in speeds}
    if "tfdata_per_example" in speeds:
        below["tfdata_per_example"] = speeds["tfdata_per_example"]
    if speeds:
        best = max(speeds, key=lambda name: statistics.median(speeds[name]))
        below[f"best peer ({best})"] = speeds[best]
    return [
        row(
            f"{case}: {_OURS} / {name}",
            _OURS,
            "ratio",
            "1",
            ratios(ours, theirs),
        )
        for name, theirs in below.items()
    ]


if __name__ == "__main__":
    main()
