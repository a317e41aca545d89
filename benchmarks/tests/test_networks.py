import subprocess
from unittest import mock

from absl.testing import absltest
from harness import networks


class NetworksTest(absltest.TestCase):
    def test_each_worker_has_a_port_of_its_own(self):
        with networks.loopback(3) as network:
            self.assertLen({*network.addresses}, 3)
            self.assertLen(network.under, 3)

    def test_what_is_made_is_taken_away(self):
        commands = []
        with (
            mock.patch.object(
                networks, "_run", lambda *command: commands.append(command)
            ),
            self.assertRaises(KeyboardInterrupt),
            networks.two_hosts(1000) as network,
        ):
            self.assertEqual(network.num_sharing, 1)
            hosts = [under[-1] for under in network.under]
            raise KeyboardInterrupt
        for host in hosts:
            self.assertIn(("ip", "netns", "add", host), commands)
            self.assertIn(("ip", "netns", "del", host), commands)
        (first, _) = (c for c in commands if c[0] == "tc")
        self.assertIn("1000bit", first)

    def test_a_machine_that_does_not_permit_it(self):
        refusal = subprocess.CalledProcessError(
            1, "ip", stderr="Operation not permitted\n"
        )
        for error, message in (
            (refusal, "^Operation not permitted$"),
            (FileNotFoundError(), "^there is no ip$"),
        ):
            with (
                mock.patch.object(subprocess, "run", side_effect=error),
                self.assertRaisesRegex(networks.NotPermittedError, message),
                networks.two_hosts(1000),
            ):
                self.fail("there is no network")


if __name__ == "__main__":
    absltest.main()
