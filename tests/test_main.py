import os
import pathlib
import subprocess
import sys
from unittest import mock

from absl.testing import absltest, parameterized

from cifar10_tf import config as config_lib
from cifar10_tf import main, run_directory
from tests import fakes


class MainTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)
        self.environment = os.environ | fakes.environment(
            cache=self.directory / "cache", data_dir=self.directory / "data"
        )

    def _assert_error(self, result, *parts):
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertStartsWith(result.stderr, "error: ")
        self.assertLen(result.stderr.splitlines(), 1)
        for part in parts:
            self.assertIn(part, result.stderr)

    @parameterized.parameters("--help", "-h", "--helpfull")
    def test_help(self, flag):
        result = fakes.run_main("train", flag)
        self.assertEqual(result.returncode, 0)
        for name in main.COMMANDS:
            self.assertRegex(result.stdout, rf"\n  {name} +[A-Z]")
        for flag in ("--model", "--[no]mixed_precision", "--seed"):
            self.assertIn(flag, result.stdout)

    @parameterized.parameters(
        "--help", "--epochs=0", "--dataset=cifar10", "--dataset=cifar_10"
    )
    def test_answers_without_tensorflow(self, flag):
        program = """
import sys
from cifar10_tf import config as config_lib
from cifar10_tf import main, run_directory
try:
    main.run()
finally:
    assert "tensorflow" not in sys.modules
"""
        result = subprocess.run(
            [sys.executable, "-c", program, flag],
            capture_output=True,
            text=True,
            env=self.environment,
        )
        self.assertNotIn("AssertionError", result.stderr)
        self.assertTrue(result.stdout or result.stderr.startswith("error"))

    @parameterized.parameters(
        (["tran"], "Unknown command 'tran'", "evaluate"),
        (["evaluate", "runs/a"], "evaluate can't do with 'runs/a'", "--name"),
        (["train", "again"], "train can't do with 'again'"),
        (["prepare", "one", "two"], "prepare can't do with 'one two'"),
        (["prepare", "nowhere"], "nowhere does not exist", ".tar.gz"),
        (["prepare", "."], "holds no CIFAR-10", "cifar-10-batches-py"),
        (["prepare", ".", "--dataset=mnist"], "not of mnist"),
        (["--modle=dropout"], "modle", "model"),
        (["--model=resnet"], "resnet", "baseline"),
        (["--dataset=cifar_10"], "'cifar_10'", "did you mean", "cifar10"),
        (["--dataset=./cats"], "./cats", "folder:PATH"),
        (["--dataset=folder:cats"], "cats does not exist", "PATH/train"),
        (["--dataset=cifar100"], "CIFAR-100 is not", "cifar-100-binary.tar.gz"),
        (["--dataset=eurosat/red"], "no config 'red'", "rgb"),
        (["--epochs=many"], "many"),
        (["--epochs=0"], "epochs", "between 1"),
        (["--validation_fraction=1"], "validation_fraction"),
        (["--learning_rate=-1"], "learning_rate"),
        (["--optimizer=lion"], "lion", "adamw"),
        (["--schedule=step"], "step", "one_cycle"),
        (["--ema=1"], "ema must be at least 0 and below 1, got 1.0"),
        (["--num_runs=0"], "num_runs"),
        (["--precision=int8"], "int8", "mixed_bfloat16"),
        (["evaluate"], "--run_dir"),
        (["evaluate", "--run_dir=nowhere"], "nowhere does not exist"),
        (["--dataset=cifar10"], "not prepared", "synthetic10"),
        (["prepare", "--dataset=cifar10"], "can't be downloaded"),
    )
    def test_mistakes(self, arguments, *parts):
        result = fakes.run_main(
            *arguments, env=self.environment, cwd=self.directory
        )
        self._assert_error(result, *parts)
        self.assertEmpty(os.listdir(self.directory))

    def test_a_run_directory_that_holds_something_else(self):
        (self.directory / "thesis.tex").write_text("precious")
        for flag in ("--restart", "--norestart"):
            result = fakes.run_main(
                "--dataset=synthetic10", "--run_dir=.", flag,
                env=self.environment, cwd=self.directory,
            )  # fmt: skip
            self._assert_error(result, "not a run", "--run_dir")
        self.assertEqual(os.listdir(self.directory), ["thesis.tex"])

    def test_the_default_directory_of_a_study(self):
        run = "runs/synthetic10-dropout-seeds4-6/seed5"
        (self.directory / run / "thesis").mkdir(parents=True)
        result = fakes.run_main(
            "--dataset=synthetic10", "--seed=4", "--num_runs=3",
            env=self.environment, cwd=self.directory,
        )  # fmt: skip
        self._assert_error(result, run, "not a run")

    def test_a_closed_pipe_is_no_error(self):
        program = f"{sys.executable} -m cifar10_tf.main --help | head -n 1"
        result = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {program}"],
            capture_output=True,
            text=True,
        )
        self.assertIn(result.returncode, (0, 141))
        self.assertEqual(result.stderr, "")

    def test_evaluate_an_unfinished_run(self):
        run = run_directory.RunDirectory(self.directory / "run")
        run.open(config_lib.make_config(dataset="synthetic10"))
        result = fakes.run_main(
            "evaluate", f"--run_dir={run.path}", env=self.environment
        )
        self._assert_error(result, "is not complete")

    def test_a_stop_that_nobody_reads_of(self):
        program = (
            "import sys; from cifar10_tf import interruption, main\n"
            "def stop(*args, **kwargs):\n"
            "    sys.stdin.readline()\n"
            "    raise interruption.Interrupted('SIGINT', 130)\n"
            "main.app.run = stop; main.run()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        ) as process:
            process.stderr.close()
            process.stdin.close()
            self.assertEqual(process.wait(60), 130)

    def test_no_room(self):
        error = OSError(28, "No space left on device")
        error.filename = "run/model.keras"
        for number, is_room in (28, False), (27, False), (13, True):
            error.errno = number
            with (
                mock.patch.object(main.app, "run", side_effect=error),
                mock.patch.object(main.interruption, "install"),
                mock.patch.object(main, "_log_to_stderr"),
                self.assertRaises(SystemExit) as caught,
            ):
                main.run()
            self.assertStartsWith(str(caught.exception), "error: ")
            self.assertIn("run/model.keras", str(caught.exception))
            self.assertEqual("make room" not in str(caught.exception), is_room)

    def test_evaluate_does_not_put_data_where_a_config_says(self):
        elsewhere = self.directory / "elsewhere"
        run = run_directory.RunDirectory(self.directory / "run")
        run.open(
            config_lib.make_config(dataset="cifar10", data_dir=str(elsewhere))
        )
        run.complete({"precision": "float32"})
        result = fakes.run_main(
            "evaluate", f"--run_dir={run.path}", env=self.environment
        )
        self._assert_error(result, "cifar10 is not in", "--data_dir")
        self.assertFalse(elsewhere.exists())

    @parameterized.parameters(
        ["--max_minutes=-1"], ["--checkpoint_every_sec=-1"],
        ["--max_minutes=nan"], ["--checkpoint_every_sec=inf"],
    )  # fmt: skip
    def test_refuses_what_is_no_time(self, flag):
        self._assert_error(fakes.run_main(flag), flag.split("=")[0][2:])

    def test_debug_shows_the_traceback(self):
        result = fakes.run_main("--epochs=0", "--debug")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("Traceback", result.stderr)

    def test_doctor_reports_damaged_data(self):
        (self.directory / "data" / "cifar10" / "3.0.2").mkdir(parents=True)
        result = fakes.run_main("doctor", env=self.environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, "CIFAR-10: +the prepared data.*damaged")

    def test_doctor(self):
        result = fakes.run_main("doctor", env=self.environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        for part in ("tensorflow 2", "GPU", "--mixed_precision", "CIFAR-10"):
            self.assertIn(part, result.stdout)


if __name__ == "__main__":
    absltest.main()
