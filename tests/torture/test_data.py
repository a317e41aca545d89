import pytest
from absl.testing import absltest, parameterized

from tests import launcher
from tests.torture import data


class DataTest(parameterized.TestCase):
    @parameterized.parameters(
        data.prepared_data,
        data.decoded_cache,
        data.published_files,
    )
    def test_no_damage_goes_unnoticed(self, subject):
        for counts in subject(trials=8).values():
            self.assertEqual(counts.total(), 8)
            self.assertGreater(counts["refused"] + counts["mended"], 0)
            self.assertEqual(counts["silent"] + counts["traceback"], 0)

    @pytest.mark.slow
    def test_concurrent_first_runs(self):
        starts = [launcher.heavy(number).start for number in range(2)]
        for successes in data.first_runs(starts).values():
            self.assertEqual(successes, 2)


if __name__ == "__main__":
    absltest.main()
