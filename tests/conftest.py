"""Lets pytest run absltest's tests, which absl's own runner would set up."""

import pytest
from absl import flags
from absl.testing import absltest  # noqa: F401, defines the flag

flags.FLAGS.mark_as_parsed()


@pytest.fixture(autouse=True, scope="session")
def _directory_of_ones_own(tmp_path_factory):
    """Keeps processes that test at the same time out of each other's way."""
    flags.FLAGS.test_tmpdir = str(tmp_path_factory.mktemp("absl"))
