from absl.testing import absltest, parameterized

from tests import torture_data


class TortureDataTest(parameterized.TestCase):
    @parameterized.parameters(
        torture_data.prepared_data,
        torture_data.decoded_cache,
        torture_data.published_files,
    )
    def test_no_damage_goes_unnoticed(self, subject):
        for counts in subject(trials=8).values():
            self.assertEqual(counts.total(), 8)
            self.assertGreater(counts["refused"] + counts["mended"], 0)
            self.assertEqual(counts["silent"] + counts["traceback"], 0)

    def test_concurrent_first_runs(self):
        for successes in torture_data.first_runs(num_processes=2).values():
            self.assertEqual(successes, 2)


if __name__ == "__main__":
    absltest.main()
