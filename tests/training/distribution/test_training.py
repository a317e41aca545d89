import json

import pytest
from absl.testing import absltest

from cifar10_tf.system.cluster import Cluster
from tests import fakes
from tests.cases import CommandTestCase


@pytest.mark.slow
class DevicesTest(CommandTestCase):
    def test_a_whole_run_with_all_that_a_recipe_may_ask_for(self):
        fakes.write_cifar10(self.data_dir, 70, 20)
        result = self.run_heavy(
            *("--dataset=cifar10", "--model=speedrun_s", "--epochs=2"),
            *("--batch_size=30", "--devices=2"),
            *("--augment=flip,crop=2,cutmix,mixup", "--easy_every=3"),
            *("--ema=0.9", "--low_resolution=0.5", "--run_dir=run"),
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = json.loads((self.directory / "run/summary.json").read_text())
        self.assertEqual(summary["num_devices"], 2)
        self.assertEqual(summary["num_workers"], 1)
        page = (self.directory / "run/report.html").read_text("utf-8")
        self.assertIn("2 devices", page)

    def test_several_runs_are_not_made_by_several_workers(self):
        cluster = Cluster(("127.0.0.1:1", "127.0.0.1:2"), 1)
        self.environment["TF_CONFIG"] = cluster.tf_config()
        for arguments in (
            ["--num_runs=2"],
            ["sweep", "--search=learning_rate=0.1:0.2"],
        ):
            self.assert_error(self.run_light(*arguments), "choose one of both")

    def test_doctor_tells_of_a_cluster_that_it_can_not_read(self):
        self.environment["TF_CONFIG"] = "nothing"
        result = self.run_heavy("doctor")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("TF_CONFIG is no JSON object", result.stdout)


if __name__ == "__main__":
    absltest.main()
