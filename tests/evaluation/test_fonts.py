from unittest import mock

from absl.testing import absltest

from cifar10_tf.evaluation import fonts


class FontsTest(absltest.TestCase):
    def test_what_no_font_has(self):
        self.assertEqual(fonts.missing(["cat", "Käse", "кот"]), "")
        with mock.patch.object(fonts, "families", lambda: ("DejaVu Sans",)):
            self.assertEqual(fonts.missing(["cat", "猫", "犬猫"]), "犬猫")

    def test_a_font_of_every_script_comes_after_the_usual_one(self):
        other = fonts.font_manager.FontEntry(fname="", name="Noto Sans CJK JP")
        usual = fonts.font_manager.fontManager.ttflist
        with mock.patch.object(
            fonts.font_manager.fontManager, "ttflist", [*usual, other]
        ):
            families = fonts.families.__wrapped__()
        self.assertEqual(families[0], "DejaVu Sans")
        self.assertIn("Noto Sans CJK JP", families)


if __name__ == "__main__":
    absltest.main()
