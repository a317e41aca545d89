"""Times the bare training step of models against a matrix product.

    python benchmarks/train_step.py [--quick] [--output=FILE.json]
        [--models NAME ...]

For each model (dropout and resnet20, unless others are named), in float32 and
in the precision that this machine gains from, at batch sizes 64, 256 and 1024
(--quick: 256), in turn: the compiled Keras step with RMSprop, fed one batch
over and over. In the same rounds, a product of two square matrices of side
2048, in the types that these steps compute in.

Prints images per second, and which fraction of the matrix product's rate the
convolutions, dense layers and attention of a step come to. Whatever else a step
does (activations, pooling, normalisation, the optimizer) takes time and does
not count as work. Every convolution counts as the plain one: an algorithm that
saves multiplications could exceed 1.
"""

import math
import re
import time
from collections.abc import Callable

import numpy as np
from harness.report import parser, ratios, report, row
from harness.subjects import in_turn
from harness.training_step import BareStep, compiled_model

# isort: split
import keras
import tensorflow as tf
from keras import layers

from cifar10_tf.models.layers.conv_before_pooling import ConvBeforePooling
from cifar10_tf.pipeline.batches import make_train
from cifar10_tf.settings.models import MODELS
from cifar10_tf.training import precision

# One without and one with batch normalisation; neither takes minutes.
_MODELS = ("dropout", "resnet20")

_MATRIX_SIZE = 2048

# Each has one kernel, all of which meets the input at every output position.
_KERNEL_LAYERS = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def train_flops(model: keras.Model) -> int:
    """Counts the operations of matrix products in a training step, per image.

    Two for a multiply-add: forwards, for the gradient of a trainable kernel,
    and for the gradient of an input that depends on trainable weights. Where a
    convolution pads, zeros count as any other pixel, and so do the outputs that
    `ConvBeforePooling` leaves away: work that is skipped shows as speed.

    Args:
        model: in Keras's functional style, data format channels_last.

    Raises:
        NotImplementedError: a layer has a matrix of weights and is none of
            Conv2D, DepthwiseConv2D, Dense, EinsumDense, MultiHeadAttention.
    """
    trained = set()  # ids of the tensors that depend on trainable weights
    flops = 0
    for operation in model.operations:  # after those that its inputs come from
        inputs = keras.tree.flatten(operation.input)
        weights = getattr(operation, "weights", [])
        passes_on = any(id(tensor) in trained for tensor in inputs)
        learns = any(w.trainable for w in weights if w.name == "kernel")
        with_kernel, without = _multiply_adds(operation)
        flops += 2 * with_kernel * (1 + learns + passes_on)
        if passes_on or any(w.trainable for w in weights):
            trained.update(map(id, keras.tree.flatten(operation.output)))
            without *= 3  # either factor has a gradient
        flops += 2 * without
    return flops


def _multiply_adds(operation: keras.Operation) -> tuple[int, int]:
    """Returns an image's multiply-adds forwards, with a kernel and without."""
    if isinstance(operation, _KERNEL_LAYERS):
        skips = isinstance(operation, ConvBeforePooling)
        maps = operation.input if skips else operation.output
        positions = math.prod(maps.shape[1:-1])
        return positions * math.prod(operation.kernel.shape), 0
    if isinstance(operation, layers.EinsumDense):
        _, kernel, output = re.split(",|->", operation.equation)
        sizes = dict(zip(kernel, operation.kernel.shape, strict=True))
        sizes |= zip(output[1:], operation.output.shape[1:], strict=True)
        return math.prod(sizes.values()), 0
    weights = getattr(operation, "weights", [])
    if isinstance(operation, layers.MultiHeadAttention):  # of x with itself
        positions = operation.output.shape[1]
        kernels = [math.prod(w.shape) for w in weights if w.name == "kernel"]
        width = operation.num_heads * operation.key_dim
        return positions * sum(kernels), 2 * positions**2 * width
    if any(len(weight.shape) > 1 for weight in weights):
        raise NotImplementedError(f"can't count {operation!r}.")
    return 0, 0


def step_rate(
    model: keras.Model, batch_size: int, sec: float
) -> Callable[[], float]:
    """Returns what measures a compiled model's images per second.

    A measurement takes about `sec` seconds, and at least one step.
    """
    rng = np.random.RandomState(0)
    train = make_train(
        rng.randint(0, 256, (batch_size, 32, 32, 3)).astype(np.uint8),
        rng.randint(0, 10, batch_size),
        num_classes=10,
        batch_size=batch_size,
        seed=1,
    )
    step = BareStep(model, train)
    calls_per_sec = _call_rate(step.run, step.wait, sec)
    return lambda: batch_size * calls_per_sec()


def matmul_rate(dtype: str, sec: float) -> Callable[[], float]:
    """Returns what measures GFLOP/s of a matrix product, for about `sec`."""
    rng = np.random.RandomState(0)
    matrix = tf.constant(rng.uniform(-1, 1, (_MATRIX_SIZE, _MATRIX_SIZE)))
    matrix = tf.cast(matrix, dtype)
    product = matrix

    def run():
        nonlocal product
        product = tf.matmul(matrix, matrix)

    def wait():
        product[0, 0].numpy()

    calls_per_sec = _call_rate(run, wait, sec)
    return lambda: 2 * _MATRIX_SIZE**3 / 1e9 * calls_per_sec()


def _call_rate(run, wait, sec: float) -> Callable[[], float]:
    num_calls = None

    def timed() -> float:
        start = time.perf_counter()
        for _ in range(num_calls):
            run()
        wait()
        return num_calls / (time.perf_counter() - start)

    def measure() -> float:
        nonlocal num_calls
        if num_calls is None:  # in the round that does not count
            run()  # traces
            wait()
            num_calls = 1
            num_calls = max(1, round(sec * timed()))
        return timed()

    return measure


def main() -> None:
    """Runs the benchmark that this file's docstring describes."""
    flags = parser(__doc__)
    flags.add_argument(
        "--models",
        nargs="+",
        choices=MODELS,
        default=_MODELS,
        metavar="NAME",
        help=f"of {', '.join(MODELS)}",
    )
    arguments = flags.parse_args()
    batch_sizes = (256,) if arguments.quick else (64, 256, 1024)
    sec, repeats = (0.5, 3) if arguments.quick else (1.0, 10)
    subjects, work = {}, {}
    for policy in dict.fromkeys(["float32", precision.for_this_machine()[0]]):
        dtype = keras.DTypePolicy(policy).compute_dtype
        peak = f"matrix product, {dtype}"
        subjects[peak] = matmul_rate(dtype, sec / 2)
        precision.set_policy(policy)
        for name in arguments.models:
            model = compiled_model(name)
            for batch_size in batch_sizes:
                case = f"{name}, {policy}, batch {batch_size}"
                subjects[case] = step_rate(model, batch_size, sec)
                work[case] = train_flops(model), peak
    values = in_turn(subjects, repeats)
    report("train_step", _rows(values, work), arguments)


def _rows(
    values: dict[str, list[float]], work: dict[str, tuple[int, str]]
) -> list[dict]:
    """Returns the results; work: by case, FLOPs an image, and the peak."""
    rows = []
    for case, rates in values.items():
        if case not in work:
            rows.append(
                row(case, "tensorflow", "gflops_per_sec", "GFLOP/s", rates)
            )
            continue
        flops, peak = work[case]
        gflops_per_sec = [rate * flops / 1e9 for rate in rates]
        fractions = ratios(gflops_per_sec, values[peak])
        for metric, unit, numbers in (
            ("images_per_sec", "images/s", rates),
            ("fraction_of_matmul_peak", "1", fractions),
        ):
            rows.append(row(case, "cifar10_tf", metric, unit, numbers))
    return rows


if __name__ == "__main__":
    main()
