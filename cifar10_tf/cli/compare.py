"""Compare runs, or studies: what differs, and whether by chance."""

import json
import logging
import pathlib

from cifar10_tf.cli import flags
from cifar10_tf.cli.output_file import check_output
from cifar10_tf.report import comparison, comparison_page, comparison_text
from cifar10_tf.runs.run_directory import RunDirectory

TAKES = ("output", "format")

ARGUMENTS = "D1 D2 ..."

_log = logging.getLogger(__name__)


def run(*paths: str) -> None:
    """Prints the comparison; with --output it is written as a page, too."""
    options = flags.result_options()
    output = pathlib.Path(options.output).expanduser()
    if options.output:
        check_output(output, ".html")
    found = comparison.read([RunDirectory(path) for path in paths])
    if options.format == "json":
        print(json.dumps(found.to_dict(), indent=2))
    else:
        print(comparison_text.describe(found))
    if options.output:
        comparison_page.write(output, found)
        _log.info("Written: %s", output)
