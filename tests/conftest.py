"""Lets pytest run absltest's tests, which absl's own runner would set up."""

from absl import flags

flags.FLAGS.mark_as_parsed()
