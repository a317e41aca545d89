"""Directories with anything in them, and every way in."""

import contextlib
import io
import os
import pathlib
import tempfile
from unittest import mock

from absl.testing import absltest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_tf.runs import checkpoint_files
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.studies import seeds
from cifar10_tf.system.atomic_files import append, replacing
from cifar10_tf.system.errors import UserError
from cifar10_tf.training.callbacks.event_log import EventLog
from tests.studies.fake_executor import FakeExecutor

_CONFIG = make_config(dataset="synthetic10")

# As ours, nearly as ours, and others.
_NAMES = st.sampled_from(
    [
        "config.json", "metrics.jsonl", "summary.json", "model.keras", ".lock",
        ".new-config.json", "plots/curves.png", "plots/mine.png",
        "checkpoints/my_best_model.h5", "checkpoints/step-00000001.zip",
        f"checkpoints/step-00000001-{'0a' * 16}.zip", "thesis.tex", "seed1",
        "study.json", "study.png", "seed1/config.json", "seed1/notes.txt",
        "seed2/config.json", "runs/config.json", "tensorboard/steps",
        "tensorboard/notes.txt", "tensorboard/steps/events.out.tfevents.1.mine",
        "tensorboard/steps/events.out.tfevents.000001.cifar10_tf",
    ]
)  # fmt: skip
_CONTENTS = st.sampled_from(["", "mine", "{}", "[]", "link", "run"])


def _fill(root: pathlib.Path, files: dict[str, str], precious) -> None:
    """Writes files; "link" is one to what is outside, "run" a run's config."""
    for name, content in files.items():
        path = root / name
        if any(p.exists() and not p.is_dir() for p in path.parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            continue
        if content == "link":
            path.symlink_to(precious)
        elif content == "run" and path.name == "config.json":
            path.write_text(_CONFIG.to_json())
        else:
            path.write_text(content)


def _theirs(root: pathlib.Path) -> dict[pathlib.Path, str]:
    """Returns all files that are not a run's, by what they are and hold."""
    ours = {
        "config.json", "metrics.jsonl", "summary.json", "model.keras", ".lock",
        ".new-config.json", "curves.png",
        "events.out.tfevents.000001.cifar10_tf",
    }  # fmt: skip
    files = {}
    for path in root.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            continue
        near = path.parent
        if near.name == "steps":
            near = near.parent
        if near.name in ("plots", "checkpoints", "tensorboard"):
            near = near.parent
        is_checkpoint = path in checkpoint_files.find(path.parent)
        of_run = RunDirectory(near).is_run() and (
            path.name in ours or is_checkpoint
        )
        # A run that died at its start leaves an empty lock, and half a config.
        lock = near / ".lock"
        is_beginning = (
            path.name in (".lock", ".new-config.json")
            and lock.is_file()
            and not lock.is_symlink()
            and not lock.read_text()
        )
        if of_run or is_beginning:
            continue
        # Study files are written anew beside runs.
        if path.name in ("study.json", "study.png") and any(
            RunDirectory(run).is_run() for run in path.parent.glob("seed*")
        ):
            continue
        link = os.readlink(path) if path.is_symlink() else ""
        files[path] = link or path.read_text()
    return files


def _train_at_the_command_line(config, restart: bool) -> None:
    run = RunDirectory(config.run_dir)
    if not run.needs_no_run(config, restart=restart):
        _train(config, restart)


def _train(config, restart: bool) -> None:
    """Does with the directory what a training does."""
    run = RunDirectory(config.run_dir)
    if restart:
        run.set_aside()
    run.open(config)
    with replacing(run.metrics) as aside:
        aside.write_text("")
    append(run.metrics, "{}\n")
    for path in (
        run.checkpoints / f"step-00000002-{'0b' * 16}.zip",
        run.plots / "curves.png",
        run.model,
    ):
        with replacing(path) as aside:
            aside.write_text("ours")
    log = EventLog(run.tensorboard / "steps")
    log.begin(0)
    log.close()
    run.complete({"precision": "float32"})


def _study(config, restart: bool) -> None:
    with (
        mock.patch.object(seeds, "summarize", lambda runs: {"metrics": {}}),
        mock.patch.object(seeds, "title", str),
        mock.patch.object(RunDirectory, "read_metrics", lambda run: []),
        mock.patch.object(seeds, "plots") as plots,
    ):
        plots.study().savefig = lambda path, dpi: path.write_text("ours")
        executor = FakeExecutor(lambda job: _train(job.config, restart))
        seeds.train(config, 2, executor=executor, restart=restart)


class NobodysFileTest(absltest.TestCase):
    @given(
        st.dictionaries(_NAMES, _CONTENTS, max_size=6),
        st.sampled_from([_train_at_the_command_line, _train, _study]),
        st.booleans(),
        st.sampled_from(["", "/runs", "/new"]),
    )
    @settings(max_examples=500, deadline=None)
    def test_is_changed_or_gone(self, files, way_in, restart, below):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory) / "root"
            precious = pathlib.Path(directory) / "precious"
            precious.write_text("precious")
            root.mkdir()
            _fill(root, files, precious)
            before = _theirs(root)
            config = make_config(
                dataset="synthetic10", run_dir=f"{root}{below}"
            )
            with (
                mock.patch("os.fsync"),  # which takes most of the time
                contextlib.suppress(UserError),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                way_in(config, restart)
            self.assertEqual(precious.read_text(), "precious")
            for path, content in before.items():
                self.assertEqual(self._now(path, root), content, str(path))

    def _now(self, path: pathlib.Path, root: pathlib.Path) -> str | None:
        """Returns what is at a path, or where an earlier run was set aside."""
        relative = path.relative_to(root)
        places = [path, root.with_name("root.1") / relative]
        for part in ("seed1", "seed2", "runs"):
            if relative.parts[0] == part:
                rest = pathlib.Path(*relative.parts[1:])
                places.append(root / f"{part}.1" / rest)
        for place in places:
            if place.is_symlink():
                return os.readlink(place)
            if place.is_file():
                return place.read_text()
        return None


if __name__ == "__main__":
    absltest.main()
