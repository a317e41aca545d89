"""Lets pytest run absltest's tests, which absl's own runner would set up."""

import gc
import os
import signal
import tempfile

import pytest
from absl import flags
from absl.testing import absltest  # noqa: F401, defines a flag

flags.FLAGS.mark_as_parsed()


def pytest_configure(config):
    """Gives pytest-xdist's processes a cache, Ctrl-C and the order of work."""
    if "TESTS_CACHE" not in os.environ:  # this is the first process
        cache = tempfile.TemporaryDirectory()
        config.add_cleanup(cache.cleanup)
        os.environ["TESTS_CACHE"] = cache.name
    # Shells have what they run in the background ignore it; tests press Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # It would begin with the classes that have most tests.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """Puts classes with slow tests first: nobody is to wait for them alone."""
    slow = {i.cls for i in items if i.get_closest_marker("slow")}
    items.sort(key=lambda item: item.cls not in slow)


def pytest_collection_finish():
    """Spares the garbage collector what has been imported, and looks rarely.

    A sixth of the time of building and tracing models went into its searches.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


@pytest.fixture(autouse=True, scope="session")
def _directory_of_ones_own(tmp_path_factory):
    """Keeps processes that test at the same time out of each other's way."""
    flags.FLAGS.test_tmpdir = str(tmp_path_factory.mktemp("absl"))
