from absl.testing import absltest, parameterized

from tests.torture import data


class DataTest(parameterized.TestCase):
    @parameterized.parameters(
        data.prepared_data,
        data.decoded_cache,
        data.published_files,
    )
    def test_no_damage_goes_unnoticed(self, subject):
        for counts in subject(trials=4).values():
            self.assertEqual(counts.total(), 4)
            self.assertGreater(counts["refused"] + counts["mended"], 0)
            self.assertEqual(counts["silent"] + counts["traceback"], 0)


if __name__ == "__main__":
    absltest.main()
