"""Compare runs, or studies: what differs, and whether by chance."""

import json
import pathlib

from cifar10_tf.cli import flags
from cifar10_tf.cli.output_file import check_output
from cifar10_tf.evaluation import missing_predictions
from cifar10_tf.report import comparison, comparison_page, comparison_text
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory

TAKES = ("output", "format")

ARGUMENTS = "D1 D2 ..."


def run(*paths: str) -> None:
    """Prints the comparison; with --output it is written as a page, too."""
    options = flags.result_options()
    output = pathlib.Path(options.output).expanduser()
    if options.output:
        check_output(output, ".html")
    directories = [RunDirectory(path) for path in paths]
    for directory in directories:
        for of_run in StudyDirectory.complete_runs(directory):
            missing_predictions.make(of_run)
    found = comparison.read(directories)
    if options.format == "json":
        print(json.dumps(found.to_dict(), indent=2))
    else:
        print(comparison_text.describe(found))
    if options.output:
        comparison_page.write(output, found)
