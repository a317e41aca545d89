import pathlib
import sys
from unittest import mock

from absl.testing import absltest, parameterized

from cifar10_tf.deployment.runtimes import by_path
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.settings.config import make_config
from cifar10_tf.system.errors import UserError


class ByPathTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)

    def _assert_refused(self, path, expected: str):
        with self.assertRaisesRegex(UserError, expected) as caught:
            by_path.load(path)
        self.assertLen(str(caught.exception).splitlines(), 1)

    def test_what_is_not_there(self):
        self._assert_refused(self.directory / "x.onnx", "does not exist")

    def test_what_is_something_else(self):
        (self.directory / "x.txt").touch()
        self._assert_refused(self.directory / "x.txt", "holds no model")
        self._assert_refused(self.directory, "holds no model")

    def test_a_study(self):
        for seed in 1, 2:
            run = RunDirectory(self.directory / f"seed{seed}")
            run.open(make_config(dataset="synthetic10"))
        self._assert_refused(self.directory, "a study of several runs")

    def test_a_runs_own_file_is_the_run(self):
        run = RunDirectory(self.directory)
        run.open(make_config(dataset="synthetic10"))
        run.model.touch()
        self._assert_refused(run.model, "is not complete")

    def test_an_unfinished_run(self):
        RunDirectory(self.directory).open(make_config(dataset="synthetic10"))
        self._assert_refused(self.directory, "is not complete")

    def test_too_little_memory_is_no_damage(self):
        class ResourceExhaustedError(Exception):
            """As TensorFlow's."""

        path = self.directory / "x.onnx"
        path.touch()
        for kind in MemoryError, ResourceExhaustedError:
            runtime = mock.Mock(side_effect=kind)
            with (
                mock.patch.object(
                    by_path, "runtime_class", return_value=runtime
                ),
                self.assertRaises(kind),
            ):
                by_path.load(path)

    @parameterized.parameters(
        ("x.onnx", "onnx_runtime", "onnxruntime"),
        ("x.tflite", "litert", "ai_edge_litert"),
    )
    def test_a_library_that_is_not_installed(self, name, module, library):
        (self.directory / name).touch()
        package = by_path.__name__.rpartition(".")[0]
        absent = {library: None, f"{library}.interpreter": None}
        with mock.patch.dict(sys.modules, absent):
            sys.modules.pop(f"{package}.{module}", None)
            self._assert_refused(
                self.directory / name, r"pip install .*\[export\]'"
            )


if __name__ == "__main__":
    absltest.main()
