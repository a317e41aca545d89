"""Compare runs, or studies: what differs, and whether by chance."""

import json
import logging

from cifar10_tf.cli import flags, output_file
from cifar10_tf.report import comparison, comparison_page, comparison_text
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.command_options import CompareOptions

TAKES = ("output", "format")

ARGUMENTS = "D1 D2 ..."

_log = logging.getLogger(__name__)


def run(*paths: str) -> None:
    """Prints the comparison; with --output it is written as a page, too."""
    options = flags.options_of(CompareOptions)
    output = output_file.checked(options.output, ".html")
    found = comparison.read([RunDirectory(path) for path in paths])
    if options.format == "json":
        print(json.dumps(found.to_dict(), indent=2))
    else:
        print(comparison_text.describe(found))
    if output:
        output_file.keep_earlier(output)
        comparison_page.write(output, found)
        _log.info("Written: %s", output)
