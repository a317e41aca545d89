import itertools
import json
import subprocess
import sys
from unittest import mock

import distributed
from absl.testing import absltest
from harness import networks

from cifar10_tf.system import cluster

_NETWORK = networks.Network(
    addresses=("10.0.0.1:2222", "10.0.0.2:2222"),
    under=(("on", "first"), ("on", "second")),
    interface="veth0",
    num_sharing=2,
)
_FOUND = {
    "step_ms": 500.0,
    "sent_bytes": 6_000_000,
    "exchange_ms": 30.0,
    "computing_ms": 420.0,
    "computing_alone_ms": 400.0,
}


class TrainingsTest(absltest.TestCase):
    def test_processes_have_a_core_each_and_know_each_other(self):
        started = []

        def popen(command, *, env, **_):
            started.append((command, env))
            (run_dir,) = (c[10:] for c in command if c[:10] == "--run_dir=")
            with open(f"{run_dir}/summary.json", "w") as file:
                json.dump({"images_per_sec": 1234.5}, file)
            return mock.Mock(poll=lambda: 0)

        with mock.patch.object(subprocess, "Popen", popen):
            rate = distributed._images_per_sec([[0], [3]], "--epochs=2")
        self.assertEqual(rate, 1234.5)
        for index, (command, env) in enumerate(started):
            self.assertEqual(
                command[:3], ["taskset", "--cpu-list", "03"[index]]
            )
            self.assertIn("--epochs=2", command)
            found = cluster.from_environment(env)
            self.assertEqual((found.index, found.size), (index, 2))

    def test_one_process_trains_alone_on_all_cores(self):
        environ = distributed._environ(_NETWORK._replace(addresses=("a:1",)), 0)
        self.assertIsNone(cluster.from_environment(environ))
        self.assertEqual(distributed._pinned([0, 3])[-1], "0,3")

    def test_rates_are_compared_within_a_round(self):
        rates = itertools.count(1)
        with mock.patch.object(
            distributed, "_images_per_sec", lambda *_: next(rates)
        ):
            found = distributed._train([0, 1], "cifar10", quick=False)
        for by_way in found.values():
            self.assertEqual([*map(len, by_way.values())], [7, 7, 7])
        rows = distributed.rows_of_rates(
            {"float32": {"1 process": [2, 5], "2 processes": [1, 10]}}
        )
        (ratio,) = (row for row in rows if row["metric"] == "ratio")
        self.assertEqual((ratio["min"], ratio["max"]), (0.5, 2))
        self.assertEqual(
            ratio["case"],
            "dropout, float32, batch 512: 2 processes / 1 process",
        )


class StepsTest(absltest.TestCase):
    def _rounds(self):
        program = f"print({json.dumps(json.dumps([_FOUND]))})"
        started = []

        def start(*arguments, under, **kwargs):
            started.append((arguments, under))
            del kwargs["environ"]
            return subprocess.Popen([sys.executable, "-c", program], **kwargs)

        with mock.patch.object(distributed, "start", start):
            return distributed.rounds_in(_NETWORK, [4, 5, 6], 1), started

    def test_waiting_is_what_is_left(self):
        rounds, started = self._rounds()
        self.assertLen(rounds, 2)
        self.assertEqual(rounds[0]["waiting_ms"], 50)
        self.assertEqual(rounds[0]["sent_mb"], 3)
        for (arguments, under), host, core in zip(
            started, ("first", "second"), "45", strict=True
        ):
            self.assertEqual(arguments[-1], "veth0")
            self.assertEqual(under, ("on", host, "taskset", "--cpu-list", core))

    def test_only_the_first_worker_is_timed_alone(self):
        rounds, _ = self._rounds()
        rounds[1]["computing_alone_ms"] = None
        rows = distributed.rows_of_steps({"2 processes, loopback": rounds})
        n = {row["metric"]: row["n"] for row in rows}
        self.assertEqual(n["computing_alone_ms"], 1)
        self.assertEqual(n["computing_ms"], 2)
        self.assertEqual(
            rows[0]["case"],
            "dropout, float32, batch 512, 2 processes, loopback",
        )

    def test_what_the_machine_does_not_permit_is_left_out(self):
        refusing = mock.Mock(
            side_effect=networks.NotPermittedError("Operation not permitted")
        )
        with (
            mock.patch.object(networks, "_run", refusing),
            mock.patch.object(distributed, "rounds_in", lambda *_: [_FOUND]),
            mock.patch.object(sys, "stderr") as stderr,
        ):
            found = distributed._steps([0, 1], quick=True)
        self.assertEqual([*found], ["2 processes, loopback"])
        said = "".join(call.args[0] for call in stderr.write.call_args_list)
        self.assertIn("1 Gbit/s: left out; Operation not permitted", said)


if __name__ == "__main__":
    absltest.main()
