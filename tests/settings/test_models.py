import pathlib
import re

from absl.testing import absltest, parameterized

from cifar10_tf.settings.config import make_config
from cifar10_tf.settings.models import MODELS

_README = pathlib.Path(__file__).parents[2] / "README.md"


class ModelsTest(parameterized.TestCase):
    @parameterized.parameters(*MODELS)
    def test_every_recipe_makes_a_valid_config(self, model):
        config = make_config(model=model)
        self.assertEqual(config.model, model)
        for name, value in MODELS[model].recipe.items():
            self.assertEqual(getattr(config, name), value)

    @parameterized.parameters(*MODELS)
    def test_a_recipe_says_what_the_model_is_trained_with_alone(self, model):
        for name in ("model", "dataset", "data_dir", "run_dir", "seed"):
            self.assertNotIn(name, MODELS[model].recipe)

    def test_the_readme_has_their_sizes_and_epochs(self):
        rows = re.findall(
            r"^\| ((?:`\w+`(?:, )?)+) \| ([\d,]+) \| (\d+) \|",
            _README.read_text("utf-8"),
            re.MULTILINE,
        )
        stated = {
            name: (int(size.replace(",", "")), int(epochs))
            for listed, size, epochs in rows
            for name in re.findall(r"\w+", listed)
        }
        expected = {
            name: (model.num_params, model.recipe["epochs"])
            for name, model in MODELS.items()
        }
        self.assertEqual(stated, expected)


if __name__ == "__main__":
    absltest.main()
