import importlib.util
import json
import pathlib

from absl.testing import absltest

from cifar10_tf.settings.models import MODELS

_DOCS = pathlib.Path(__file__).parents[2] / "docs"
_SPEC = importlib.util.spec_from_file_location("scaling", _DOCS / "scaling.py")
scaling = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(scaling)


class ScalingTest(absltest.TestCase):
    def test_the_document_says_what_follows(self):
        text = (_DOCS / "scaling.md").read_text("utf-8")
        # A model that is missing is no mistake: `make tables` adds it.
        self.assertContainsSubset(
            text.splitlines(), scaling.with_tables(text).splitlines()
        )
        self.assertGreater(len(text.splitlines()), 3 * len(MODELS))

    def test_a_ring(self):
        self.assertEqual(scaling.bytes_sent("dropout", 1), 0)
        # Of two devices each sends half of the sums and half of the results.
        gradients = 4 * 669_354
        self.assertEqual(scaling.bytes_sent("dropout", 2), gradients)
        self.assertEqual(scaling.bytes_sent("dropout", 8), 1.75 * gradients)
        sec = scaling.exchange_sec("dropout", 2, "10 GbE")
        self.assertAlmostEqual(sec, gradients * 8 / 10e9)

    def test_gains(self):
        self.assertEqual(scaling.speedup(1.0, 0.0, 8), 8)
        self.assertEqual(scaling.speedup(1.0, 0.125, 8), 4)
        self.assertLess(scaling.speedup(1.0, 2.0, 8), 1)

    def test_a_step_that_is_measured(self):
        results = json.loads(
            (_DOCS.parent / "benchmarks/results/train_step.json").read_text()
        )
        (images_per_sec,) = (
            row["median"]
            for row in results["rows"]
            if row["case"] == "dropout, float32, batch 256"
            and row["metric"] == "images_per_sec"
        )
        self.assertEqual(
            scaling.step_sec("dropout", "two cores"), 256 / images_per_sec
        )

    def test_what_is_measured_is_calculated_alike(self):
        case = "dropout, float32, batch 512, 2 processes, "
        gradients = 4 * 669_354
        for network, exchange_ms in (
            ("loopback", 0),
            ("100 Mbit/s", gradients * 8 / 100e6 * 1e3),
            ("1 Gbit/s", gradients * 8 / 1e9 * 1e3),
        ):
            medians = {(case + network, "computing_alone_ms"): 400.0}
            for metric, expected in (
                ("sent_mb", gradients / 1e6),
                ("exchange_ms", exchange_ms),
                ("computing_ms", 400),
                ("waiting_ms", 0),
                ("step_ms", 400 + exchange_ms),
            ):
                found = scaling.calculated(case + network, metric, medians)
                self.assertAlmostEqual(found, expected, msg=metric)
        case = "dropout, float32, batch 512: 4 processes / 1 process"
        self.assertEqual(scaling.calculated(case, "ratio", {}), 1)

    def test_cases_are_those_of_the_benchmark(self):
        rows = scaling._results("distributed")
        checked = [row for row in rows if row["metric"] in scaling._CHECKED]
        self.assertLen(scaling._checks(), 2 + len(checked))
        self.assertContainsSubset(
            scaling._CHECKED, {row["metric"] for row in rows}
        )


if __name__ == "__main__":
    absltest.main()
