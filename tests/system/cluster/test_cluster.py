import json
import subprocess
import sys

import hypothesis
from absl.testing import absltest, parameterized
from hypothesis import strategies as st

from cifar10_tf.system import cluster
from cifar10_tf.system.errors import UserError
from tests.system.cluster import steps

_ADDRESSES = ("node1:2222", "[::1]:2223", "10.0.0.3:65535")

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cluster", "task", "worker", "chief", "type"])
            | st.text(),
            children,
            max_size=4,
        )
    ),
    max_leaves=8,
)
_ADDRESS = st.sampled_from(_ADDRESSES) | st.text("a1:[]. é", max_size=8)
_TF_CONFIG = st.fixed_dictionaries(
    {},
    optional={
        "cluster": _JSON
        | st.dictionaries(
            st.sampled_from(["worker", "chief", "ps"]), st.lists(_ADDRESS)
        ),
        "task": _JSON
        | st.fixed_dictionaries(
            {
                "type": st.sampled_from(["worker", "chief", "evaluator"]),
                "index": st.integers(-2, 4) | st.text("01x²", max_size=2),
            }
        ),
    },
)
_TEXTS = st.text() | _JSON.map(json.dumps) | _TF_CONFIG.map(json.dumps)


class ClusterTest(parameterized.TestCase):
    @parameterized.parameters(0, 2)
    def test_what_tensorflow_reads(self, index):
        those = cluster.Cluster(_ADDRESSES, index)
        self.assertEqual((those.size, those.is_chief), (3, index == 0))
        config = json.loads(those.tf_config())
        self.assertEqual(
            config,
            {
                "cluster": {"worker": [*_ADDRESSES]},
                "task": {"type": "worker", "index": index},
            },
        )
        again = cluster.from_environment({"TF_CONFIG": those.tf_config()})
        self.assertEqual(again, those)

    @parameterized.parameters(
        ((), 0, "worker 0 of 0"),
        (("a:1", "b:2"), 2, "worker 2 of 2, which are counted from 0 to 1"),
        (("a:1", "b:2"), -1, "worker -1 of 2"),
        (("a:1", "b:2", "a:1"), 0, r"same address \(a:1\)"),
        (("a:1", "b"), 0, "'b' is no address of a worker: HOST:PORT"),
        (("a:1", "b:0"), 0, "'b:0' is no address"),
        (("a:1", "b:65536"), 0, "'b:65536' is no address"),
        (("a:1", "::1:2222"), 0, "'::1:2222' is no address"),
        (("a:1", "grpc://b:1"), 0, "'grpc://b:1' is no address"),
    )
    def test_is_valid_from_birth(self, addresses, index, message):
        with self.assertRaisesRegex(UserError, message):
            cluster.Cluster(addresses, index)


class FromEnvironmentTest(absltest.TestCase):
    def test_without_a_variable_a_process_is_alone(self):
        for environ in {}, {"TF_CONFIG": " "}, {"SLURM_JOB_ID": "12"}:
            self.assertIsNone(cluster.from_environment(environ))

    def test_so_is_a_cluster_of_one(self):
        one = cluster.Cluster(("node1:2222",), 0).tf_config()
        self.assertIsNone(cluster.from_environment({"TF_CONFIG": one}))

    def test_tf_config_counts_more_than_slurm(self):
        step = steps.environment(num_tasks=2)
        self.assertLen(cluster.from_environment(step).addresses, 2)
        three = cluster.Cluster(_ADDRESSES, 1)
        for tf_config, expected in (three.tf_config(), three), ("{}", None):
            both = step | {"TF_CONFIG": tf_config}
            self.assertEqual(cluster.from_environment(both), expected)

    @hypothesis.given(_TEXTS)
    @hypothesis.example("[" * 100_000)  # as deep as it is long
    @hypothesis.example("1" * 5000)
    def test_a_cluster_or_nothing_or_one_line(self, text):
        _assert_reads({"TF_CONFIG": text.replace("\0", "")})

    @hypothesis.given(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.sampled_from(
                    ["0", "1", "2", "3", "2(x3)", "1,2", "n[1-2],m", value]
                )
                | st.text("0123456789[](),-xn", max_size=12)
                | st.text(max_size=5)
                for name, value in steps.environment(num_tasks=3).items()
            },
        )
    )
    def test_the_same_of_slurm(self, environ):
        _assert_reads(environ)

    def test_tensorflow_is_not_needed(self):
        program = (
            "import sys\nfrom cifar10_tf.system import cluster\n"
            "sys.exit('tensorflow' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


def _assert_reads(environ):
    try:
        those = cluster.from_environment(environ)
    except UserError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 500
        return
    if those is not None:
        assert those.size > 1
        again = cluster.from_environment({"TF_CONFIG": those.tf_config()})
        assert again == those


if __name__ == "__main__":
    absltest.main()
