import sys
from unittest import mock

from absl.testing import absltest

from cifar10_tf.cli import libraries
from cifar10_tf.system.errors import UserError


class CheckTest(absltest.TestCase):
    def test_what_is_not_installed_is_named_with_its_extra(self):
        with (
            mock.patch.dict(sys.modules, {"onnx": None}),
            self.assertRaisesRegex(
                UserError,
                r"export needs no_such, onnx, .*\[export\]'",
            ),
        ):
            libraries.check("export", ["json", "onnx", "no_such"])
        libraries.check("export", ["json"])


if __name__ == "__main__":
    absltest.main()
