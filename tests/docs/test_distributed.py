import pathlib
import re
import shlex

from absl.testing import absltest

from cifar10_tf.system import cluster, interruption

_ROOT = pathlib.Path(__file__).parents[2]
_TEXT = (_ROOT / "docs" / "distributed.md").read_text("utf-8")


class DistributedTest(absltest.TestCase):
    def test_two_terminals_are_one_training(self):
        those = []
        pattern = re.compile(r"^```bash\n(TF_CONFIG.*?)^```", re.M | re.S)
        for block in pattern.findall(_TEXT):
            variable, *command = shlex.split(block.replace("\\\n", ""))
            text = variable.removeprefix("TF_CONFIG=")
            those.append(cluster.from_environment({"TF_CONFIG": text}))
            self.assertEqual(command[:2], ["cifar10-tf", "train"])
        self.assertEqual([c.index for c in those], [0, 1])
        self.assertEqual(those[0].addresses, those[1].addresses)

    def test_files_are_there(self):
        names = re.findall(r"\bdeploy/[\w./]+\w", _TEXT)
        links = re.findall(r"\]\(([^)#]+)", _TEXT)
        self.assertGreater(len(names), 4)
        for path in [
            *(_ROOT / name for name in names),
            *(_ROOT / "docs" / link for link in links),
        ]:
            self.assertTrue(path.exists(), path)

    def test_every_status_is_explained(self):
        rows = re.findall(r"^\| ([\d, ]+) \| (.*)\| (.*) \|$", _TEXT, re.M)
        again = {
            int(status): answer
            for statuses, _, answer in rows
            for status in statuses.split(", ")
        }
        self.assertContainsSubset(interruption.STATUSES, again)
        for status, answer in again.items():
            self.assertEqual(answer == "yes", status >= 128, status)


if __name__ == "__main__":
    absltest.main()
