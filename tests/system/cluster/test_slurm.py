from absl.testing import absltest, parameterized

from cifar10_tf.system.cluster import slurm
from cifar10_tf.system.errors import UserError
from tests.system.cluster import steps


def _hosts(**kwargs) -> list[str]:
    addresses, _ = slurm.read(steps.environment(**kwargs))
    return [address.partition(":")[0] for address in addresses]


def _ports(**kwargs) -> list[int]:
    addresses, _ = slurm.read(steps.environment(**kwargs))
    return [int(address.partition(":")[2]) for address in addresses]


class ReadTest(parameterized.TestCase):
    def test_a_process_for_each_node(self):
        addresses, index = slurm.read(
            steps.environment(
                3, rank=2, nodes="n[8-10]", tasks_per_node="1(x3)"
            )
        )
        port = addresses[0].partition(":")[2]
        self.assertEqual(addresses, tuple(f"n{i}:{port}" for i in (8, 9, 10)))
        self.assertEqual(index, 2)

    @parameterized.parameters(
        ("gpu[01-03,7],login", "gpu01 gpu02 gpu03 gpu7 login"),
        ("b,a[9-10]", "b a9 a10"),  # in Slurm's order, not the alphabet's
        ("r[1-2]n[098-099].x.org", "r1n098 r1n099 r2n098 r2n099"),
        ("[1-2]a,n-1_x", "1a 2a n-1_x"),
    )
    def test_lists_of_nodes(self, nodes, expected):
        expected = expected.split()
        suffix = ".x.org" if nodes.endswith(".x.org") else ""
        hosts = _hosts(
            num_tasks=len(expected),
            nodes=nodes,
            tasks_per_node=f"1(x{len(expected)})",
        )
        self.assertEqual(hosts, [name + suffix for name in expected])

    def test_several_processes_on_a_node(self):
        case = {
            "num_tasks": 6,
            "nodes": "a,b,c,d",
            "tasks_per_node": "2(x2),1(x2)",
        }
        self.assertEqual(_hosts(**case), ["a", "a", "b", "b", "c", "d"])
        first, *others = _ports(**case)
        self.assertEqual([p - first for p in others], [1, 0, 1, 0, 0])

    def test_tasks_given_to_nodes_in_turn(self):
        step = steps.environment(5, 3, "a,b,c", "2(x2),1")
        step |= {"SLURM_NODEID": "0", "SLURM_LOCALID": "1"}
        with self.assertRaisesRegex(UserError, r"SLURM_PROCID \('3'\) is not"):
            slurm.read(step)  # as if by --distribution=plane
        step |= {"SLURM_DISTRIBUTION": "cyclic:block"}
        addresses, _ = slurm.read(step)
        self.assertEqual([a[0] for a in addresses], ["a", "b", "c", "a", "b"])
        self.assertLen(set(addresses), 5)

    def test_ports_of_jobs_and_steps_hardly_ever_meet(self):
        ports = [
            port
            for job in range(4000, 4016)
            for step in range(8)
            for port in _ports(num_tasks=16, job=job, step=step)
        ]
        self.assertTrue(all(20000 <= port < 30000 for port in ports))
        self.assertEqual(len(set(ports)), 16 * 8 * 16)

    @parameterized.parameters(
        {},
        {"SLURM_JOB_ID": "7"},
        {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"},
        steps.environment(num_tasks=1),
    )
    def test_a_batch_script_or_a_step_of_one_is_alone(self, **environ):
        self.assertIsNone(slurm.read(environ))

    @parameterized.parameters(
        ("SLURM_STEP_NUM_TASKS", "two", "is no such number"),
        ("SLURM_STEP_NUM_TASKS", "3", None),
        ("SLURM_PROCID", "4", "is not where it was expected"),
        ("SLURM_PROCID", "-1", "is no such number"),
        ("SLURM_JOB_ID", "", "is no such number"),
        ("SLURM_STEP_TASKS_PER_NODE", "2(3)", r"is not like 2\(x3\),1"),
        ("SLURM_STEP_TASKS_PER_NODE", "2", "does not come to 4 tasks"),
        ("SLURM_STEP_NODELIST", "a b", "is not like gpu"),
        ("SLURM_STEP_NODELIST", "a[2-1]", "is not like gpu"),
        ("SLURM_STEP_NODELIST", "a[1-2", "is not like gpu"),
        ("SLURM_STEP_NODELIST", "a", "names more or fewer nodes"),
        ("SLURM_STEP_NODELIST", "a[0-999999999][0-9]", "names more or fewer"),
    )
    def test_a_mistake_is_named(self, name, value, what):
        step = steps.environment(4, 1, "a[1-2]", "2(x2)") | {name: value}
        if what is None:
            name, what = "SLURM_STEP_TASKS_PER_NODE", "does not come to 3 tasks"
        with self.assertRaisesRegex(
            UserError, rf"Slurm's variable {name} \('.*{what}.*TF_CONFIG"
        ):
            slurm.read(step)

    def test_a_variable_that_is_missing(self):
        for name in steps.environment(num_tasks=2):
            step = steps.environment(num_tasks=2)
            del step[name]
            if name == "SLURM_STEP_NUM_TASKS":
                self.assertIsNone(slurm.read(step))
                continue
            with self.assertRaisesRegex(UserError, rf"{name}\b.* is not set:"):
                slurm.read(step)


if __name__ == "__main__":
    absltest.main()
