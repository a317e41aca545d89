import json

from absl.testing import absltest, parameterized

from cifar10_tf.system.cluster import tf_config
from cifar10_tf.system.errors import UserError

_WORKERS = ["w0:2222", "w1:2222"]


def _text(cluster, kind="worker", index=0, **others) -> str:
    task = {"type": kind, "index": index}
    return json.dumps({"cluster": cluster, "task": task, **others})


class ReadTest(parameterized.TestCase):
    def test_by_hand(self):
        for index in 1, "1":  # TensorFlow takes both
            text = _text({"worker": _WORKERS}, index=index)
            self.assertEqual(tf_config.read(text), ((*_WORKERS,), 1))

    @parameterized.parameters(
        ("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)
    )
    def test_of_a_tfjob_the_chief_comes_first(self, kind, index, expected):
        text = _text(
            {"worker": _WORKERS, "chief": ["c0:2222"]},
            kind,
            index,
            environment="cloud",
        )
        self.assertEqual(
            tf_config.read(text), (("c0:2222", *_WORKERS), expected)
        )

    @parameterized.parameters(
        "{}", '{"cluster": {}}', '{"task": {"type": "worker", "index": 0}}'
    )
    def test_without_a_cluster(self, text):
        self.assertIsNone(tf_config.read(text))

    @parameterized.parameters(
        ("node1:2222", r"is no JSON object \('node1:2222'\)"),
        ("[1]", "is no JSON object"),
        ('{"sparseCluster": {}}', "TFJob's enableDynamicWorker"),
        ('{"cluster": ["a:1"]}', "cluster that is no JSON object"),
        (_text({"ps": ["p0:2222"], "worker": _WORKERS}), "cluster with 'ps'"),
        (_text({"worker": _WORKERS}, "evaluator"), "task of type 'evaluator'"),
        (_text({"worker": "w0:2222"}), "'w0:2222' as its worker, where a list"),
        (_text({"worker": {"0": "w0:2222"}}), "where a list"),
        (_text({"worker": ["w0:2222", 7]}), "where a list"),
        (_text({"chief": _WORKERS}, "chief"), "has 2 chiefs where one"),
        (_text({"worker": _WORKERS}, "chief"), "process chief 0, which"),
        (_text({"worker": _WORKERS}, index=2), "process worker 2, which"),
        (_text({"worker": _WORKERS}, index=-1), "the task index -1 where"),
        (_text({"worker": _WORKERS}, index=True), "the task index True where"),
        (_text({"worker": _WORKERS}, index=0.5), "the task index 0.5 where"),
        (_text({"worker": _WORKERS}, index=None), "the task index None where"),
        (json.dumps({"cluster": {"worker": _WORKERS}}), 'has no "task"'),
    )
    def test_a_mistake_is_named(self, text, what):
        with self.assertRaisesRegex(
            UserError, f"^TF_CONFIG .*{what}.*: correct it after the pattern"
        ):
            tf_config.read(text)

    def test_the_pattern_is_right(self):
        with self.assertRaises(UserError) as caught:
            tf_config.read("?")
        message = str(caught.exception)
        pattern = message[message.index("{") : message.rindex("}") + 1]
        self.assertEqual(
            tf_config.read(pattern), (("node1:2222", "node2:2222"), 0)
        )


if __name__ == "__main__":
    absltest.main()
