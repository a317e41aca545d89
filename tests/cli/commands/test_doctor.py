from absl.testing import absltest

from tests import cases, fakes, launcher


class DoctorTest(cases.CommandTestCase):
    def test_reports(self):
        # In a process of its own, for what TensorFlow writes to stderr.
        result = fakes.run_main("doctor", env=self.environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        for part in ("tensorflow 2", "GPU", "--mixed_precision"):
            self.assertIn(part, result.stdout)
        self.assertRegex(
            result.stdout, "--dataset=cifar10: +.*can't be downloaded"
        )
        self.assertRegex(
            result.stdout, "--dataset=synthetic10: +embedded, drawn when"
        )

    def test_the_quota_of_a_container(self):
        program = "from cifar10_tf.system import inventory\n"
        program += "inventory.cpu_quota = lambda: 1.5\n"
        result = self.run_heavy("doctor", program=program + launcher.MAIN)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(
            result.stdout, r"CPU: .*in use \(.*container.* 1\.5\),"
        )

    def test_damaged_data(self):
        (self.data_dir / "cifar10" / "3.0.2").mkdir(parents=True)
        result = self.run_heavy("doctor")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(
            result.stdout, "--dataset=cifar10: +the prepared data.*damaged"
        )

    def test_data_that_are_ready(self):
        directory = fakes.write_cifar10(self.data_dir, 20, 10)
        sizes = {"train/dog": 1, "train/cat": 1, "test/cat": 1}
        pets = fakes.write_folder(self.directory / "my pets", sizes)
        result = self.run_heavy("doctor", "--dataset=folder:my pets")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(
            result.stdout, f"--dataset=cifar10: +ready in {directory}\n"
        )
        self.assertRegex(
            result.stdout, f"--dataset=folder:my pets: +ready in {pets}\n"
        )


if __name__ == "__main__":
    absltest.main()
