import importlib.util
import pathlib
import re

from absl.testing import absltest

from cifar10_tf.settings.models import MODELS

_PATH = pathlib.Path(__file__).parents[2] / "docs" / "tables.py"
_SPEC = importlib.util.spec_from_file_location("tables", _PATH)
tables = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tables)


class TablesTest(absltest.TestCase):
    def test_say_nothing_that_is_not_so(self):
        # A model that is missing is no mistake: `make tables` adds it.
        for path in tables.FILES:
            text = path.read_text("utf-8")
            self.assertContainsSubset(
                text.splitlines(), tables.with_tables(text).splitlines()
            )

    def test_a_wrong_line_is_replaced(self):
        text = "before\n<!-- models -->\n| `dropout` | 7 |\n<!-- end -->\nafter"
        lines = tables.with_tables(text).splitlines()
        self.assertNotIn("| `dropout` | 7 |", lines)
        self.assertRegex("\n".join(lines), r"\| `dropout` \| 669,354 \| 31 \|")
        self.assertLen(lines, len(MODELS) + 6)
        self.assertEqual((lines[0], lines[-1]), ("before", "after"))

    def test_every_flag_has_its_line(self):
        text = tables.with_tables("<!-- all flags -->\n<!-- end -->")
        names = re.findall(r"\n\| `--(\w+)`", text)
        self.assertContainsSubset(
            ["model", "epochs", "tta", "restart", "max_minutes"], names
        )
        self.assertLen(set(names), len(names))

    def test_documents_have_tables(self):
        texts = {path.name: path.read_text("utf-8") for path in tables.FILES}
        for name in "README.md", "flags.md":
            self.assertIn("<!-- end -->\n", texts[name])


if __name__ == "__main__":
    absltest.main()
