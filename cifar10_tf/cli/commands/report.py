"""Write report.html of --run_dir again, or the pages of a study or sweep."""

import logging

from cifar10_tf.cli import flags
from cifar10_tf.report import report, run_contents
from cifar10_tf.report.studies import study_report, sweep_report
from cifar10_tf.runs import json_files
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.runs.study_directory import StudyDirectory
from cifar10_tf.settings.command_options import ReportOptions
from cifar10_tf.system.errors import UserError

TAKES = ("run_dir",)

_log = logging.getLogger(__name__)


def run() -> None:
    """Writes the page of a run or a sweep, or those of a study's runs, too."""
    options = flags.options_of(ReportOptions)
    if not options.run_dir:
        raise UserError("report needs --run_dir=DIRECTORY, that of a run.")
    directory = RunDirectory(options.run_dir)
    of_sweep = directory.path / "sweep.json"
    if of_sweep.exists():
        sweep_report.write_again(of_sweep)
        print(f"Written: {of_sweep.with_suffix('.html')}")
        return
    if any(directory.path.glob(json_files.OF_SWEEP)):
        raise UserError(
            f"the sweep in {directory.path} is not complete: it has no page "
            "yet. The command that began it goes on with it."
        )
    runs = StudyDirectory.complete_runs(directory)
    for of_study in runs:
        _write(of_study)
    if runs != [directory]:
        study = StudyDirectory(directory.path)
        if not study.summary.exists():
            _log.warning("the study is not complete: it has no page yet.")
            return
        study_report.write(study)
        print(f"Written: {study.report}")


def _write(directory: RunDirectory) -> None:
    contents = run_contents.read_for_page(directory)
    if contents.problem:
        _log.warning(
            "the page does not show what the model says of test images: %s",
            contents.problem,
        )
    report.write(contents)
    print(f"Written: {directory.report}")
