"""Classify images: files and folders, by the model of --run_dir."""

import pathlib
import re
import sys
import warnings
from collections.abc import Iterable, Iterator

from cifar10_tf.cli import flags, output_file
from cifar10_tf.cli.prediction_formats import FORMATS, printable
from cifar10_tf.deployment import image_arguments, occlusion
from cifar10_tf.deployment.image_arguments import Failure
from cifar10_tf.deployment.predictions import Prediction
from cifar10_tf.deployment.predictor import Predictor
from cifar10_tf.settings.command_options import PredictOptions
from cifar10_tf.system import paths
from cifar10_tf.system.atomic_files import replacing
from cifar10_tf.system.errors import UserError

TAKES = (
    "run_dir", "model", "crop", "tta", "explain", "format", "output",
)  # fmt: skip

ARGUMENTS = "IMAGE ..."


def run(*arguments: str) -> None:
    """Prints what each image is, and says of each that is none why.

    Raises:
        UserError: at the end, if there were such.
    """
    options = flags.options_of(PredictOptions)
    if not arguments:
        raise UserError(
            "predict needs images: files, folders, or - for standard input."
        )
    if not (options.run_dir or options.model):
        raise UserError(
            "predict needs a model: --run_dir=DIRECTORY, that of a run, or "
            "--model=FILE, what export made of one."
        )
    if options.run_dir and options.model:
        raise UserError("--run_dir and --model name two models: leave one out.")
    output = _output(options)
    warnings.filterwarnings("ignore", module="PIL")  # of odd metadata
    predictor = Predictor.load(
        options.run_dir or options.model,
        crop=options.crop,
        with_tta=options.tta,
    )
    results = predictor.classify(image_arguments.find(arguments))
    if options.explain:
        results = _explained(results, predictor, output)
    counted = _Counted(results)
    _write(FORMATS[options.format](counted), output)
    if counted.num_failures:
        others = counted.num_images - counted.num_failures
        raise UserError(
            f"{counted.num_failures:,} of {counted.num_images:,} could not be "
            f"classified{'; the others were' if others else ''}."
        )


def _output(options: PredictOptions) -> pathlib.Path | None:
    suffix = pathlib.Path(options.output).suffix
    other = suffix.removeprefix(".")
    if other != options.format and other in FORMATS:
        raise UserError(
            f"--output={options.output} is {other} by its name: add "
            f"--format={other}."
        )
    name = {"text": "txt"}.get(options.format, options.format)
    return output_file.checked(options.output, f".{name}")


class _Counted:
    """Results as they come, counted; of failures stderr says the reason."""

    def __init__(self, results: Iterable[Prediction | Failure]):
        self._results = results
        self.num_images = self.num_failures = 0

    def __iter__(self) -> Iterator[Prediction | Failure]:
        for result in self._results:
            self.num_images += 1
            if isinstance(result, Failure):
                self.num_failures += 1
                print(
                    f"error: {printable(result.name)}: {result.error}",
                    file=sys.stderr,
                )
            yield result


def _explained(
    results: Iterable[Prediction | Failure],
    predictor: Predictor,
    output: pathlib.Path | None,
) -> Iterator[Prediction | Failure]:
    """Draws a heat map of each prediction, into a new directory if any."""
    directory = None
    for number, result in enumerate(results, 1):
        if isinstance(result, Prediction):
            directory = directory or _new_directory(output)
            of = f"{pathlib.Path(result.name).stem}-{result.label}"
            name = re.sub(r"[^\w.-]", "_", of, flags=re.ASCII)[-80:]
            picture = occlusion.explain(result, predictor.probabilities)
            picture.save(directory / f"{number:05}-{name}.png")
        yield result
    if directory:
        print(f"Written: {directory}", file=sys.stderr)


def _new_directory(output: pathlib.Path | None) -> pathlib.Path:
    """Makes that of the heat maps: beside the file of --output, or here."""
    beside = pathlib.Path.cwd() if output is None else output.parent
    directory = beside / "heat_maps"
    if directory.exists():
        directory = paths.kept(directory)
    try:
        directory.mkdir()
    except OSError as error:
        raise UserError(
            f"{directory} can't be made ({error.strerror}); --output chooses "
            "another place."
        ) from error
    return directory


def _write(lines: Iterable[str], output: pathlib.Path | None) -> None:
    if output is None:
        sys.stdout.writelines(lines)
        return
    with replacing(output) as aside, aside.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        output_file.keep_earlier(output)
    print(f"Written: {output}", file=sys.stderr)
