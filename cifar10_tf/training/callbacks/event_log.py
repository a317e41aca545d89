"""TensorBoard's event files of a run: appended to, and cut to go on."""

import os
import pathlib
import re
import time

from tensorboard.backend.event_processing.event_file_loader import (
    RawEventFileLoader,
)
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from cifar10_tf.system.atomic_files import naming
from cifar10_tf.system.errors import UserError

# Numbered, so that their order does not depend on clocks. TensorBoard's own
# writers have times, hosts and process IDs in these names.
_NAME = re.compile(r"events\.out\.tfevents\.(\d{6,})\.cifar10_tf", re.ASCII)

# Length, its checksum and that of the data, around each record.
_FRAME_BYTES = 16


class EventLog:
    """The event files of a directory, which TensorBoard shows as one run.

    Each process begins a file. What it adds is with the system when `add`
    returns: a process that is killed loses none of it.
    """

    def __init__(self, directory: pathlib.Path):
        self._directory = directory
        self._file = None

    def begin(self, last_step: int) -> int:
        """Begins a file, and cuts off what others have after a step.

        Returns the last step that is left, or 0.

        Raises:
            UserError: the directory can't be made.
        """
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{self._directory} can't be written ({error.strerror}); "
                "choose another --run_dir."
            ) from error
        files = _files(self._directory)
        kept = [_cut(path, last_step) for path in files]
        number = _number(files[-1]) + 1 if files else 1
        self._path = (
            self._directory / f"events.out.tfevents.{number:06}.cifar10_tf"
        )
        self._file = RecordWriter(self._path.open("xb"))
        self._write(Event(file_version="brain.Event:2"))
        # Has a TensorBoard that is looking on drop what was cut off.
        start = SessionLog(status=SessionLog.START)
        self._write(Event(session_log=start, step=last_step + 1))
        return max(kept, default=0)

    def add(self, step: int, summary: Summary) -> None:
        """Adds what there is to say of a step."""
        self._write(Event(step=step, summary=summary))

    def close(self) -> None:
        """Closes the file, if one was begun."""
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        with naming(self._path):
            self._file.write(event.SerializeToString())
            self._file.flush()


def scalars(**values: float) -> Summary:
    """Returns values by their tags."""
    return Summary(
        value=[
            Summary.Value(tag=tag, simple_value=value)
            for tag, value in values.items()
        ]
    )


def image(tag: str, png: bytes, width: int, height: int) -> Summary:
    """Returns a picture in colours."""
    picture = Summary.Image(
        encoded_image_string=png, width=width, height=height, colorspace=3
    )
    return Summary(value=[Summary.Value(tag=tag, image=picture)])


def _files(directory: pathlib.Path) -> list[pathlib.Path]:
    """Returns our event files of a directory, the first process's first."""
    paths = [p for p in directory.iterdir() if _NAME.fullmatch(p.name)]
    return sorted(paths, key=_number)


def _number(path: pathlib.Path) -> int:
    return int(_NAME.fullmatch(path.name)[1])


def _cut(path: pathlib.Path, last_step: int) -> int:
    """Cuts a file before the first record that is torn or after a step.

    The steps of a file ascend. Returns the last that has a summary, or 0.
    """
    num_bytes = kept = 0
    for record in RawEventFileLoader(str(path)).Load():
        event = Event.FromString(record)
        if event.step > last_step:
            break
        num_bytes += len(record) + _FRAME_BYTES
        if event.HasField("summary"):
            kept = event.step
    if num_bytes < path.stat().st_size:
        os.truncate(path, num_bytes)
    return kept
