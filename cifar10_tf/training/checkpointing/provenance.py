"""What a checkpoint is of, and where it was made."""

import dataclasses
import json
import logging
from typing import Any

import keras

from cifar10_tf.runs import checkpoint
from cifar10_tf.runs.checkpoint import Checkpoint

# Of a checkpoint's record. Before there was a number it had "made_by".
FORMAT = 2

# What was so where an older record does not say it.
_BEFORE = {"num_devices": 1, "num_workers": 1}

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What a checkpoint's record says of its origin.

    Attributes:
        run: what must be the same for a run to go on, as JSON has it.
        environment: versions and hardware; with others, bits may differ.
    """

    run: dict[str, Any]
    environment: dict[str, Any]

    def record(self, model: keras.Model) -> dict[str, Any]:
        """Returns the part of a checkpoint's record that `check` reads."""
        return self._expected(model) | {"environment": self.environment}

    def check(self, saved: Checkpoint, model: keras.Model) -> None:
        """Checks that a checkpoint is of this run; warns if made elsewhere.

        Raises:
            KeyError, ValueError: it is of another run.
        """
        if saved.record.get("format") != FORMAT:
            raise ValueError(
                "it is of another version of cifar10_tf, and an unfinished run "
                "goes on in the version that began it"
            )
        for name, value in self._expected(model).items():
            if saved.record[name] != _as_json(value):
                raise ValueError(f"other {name}")
        was = _BEFORE | saved.record["environment"]
        now = _as_json(self.environment)
        changes = [
            f"{name}: {was.get(name)} -> {value}"
            for name, value in now.items()
            if was.get(name) != value
        ]
        if changes:
            _log.warning(
                "the checkpoint was made elsewhere, and the run may not end "
                "with the same bits (%s).",
                "; ".join(changes),
            )

    def _expected(self, model: keras.Model) -> dict[str, Any]:
        return self.run | {
            "format": FORMAT,
            "variables": checkpoint.describe(model),
        }


def _as_json(value: Any) -> Any:
    """Returns what comes back from JSON: lists for tuples."""
    return json.loads(json.dumps(value))
