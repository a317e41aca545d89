import json
import pathlib

from absl.testing import absltest, parameterized

from cifar10_tf.settings import search_space
from cifar10_tf.settings.search_space import Choices, Range


class ParseTest(parameterized.TestCase):
    def test_ranges_and_values(self):
        space = search_space.parse(
            "learning_rate=log:0.03:0.3, label_smoothing=0:0.2,"
            "batch_size=128|256|512,epochs=2:8,optimizer=sgd|muon"
        )
        self.assertEqual(
            space,
            {
                "learning_rate": Range(0.03, 0.3, is_log=True),
                "label_smoothing": Range(0.0, 0.2),
                "batch_size": Choices((128, 256, 512)),
                "epochs": Range(2, 8),
                "optimizer": Choices(("sgd", "muon")),
            },
        )
        self.assertIs(type(space["epochs"].low), int)
        self.assertIs(type(space["label_smoothing"].low), float)

    def test_commas_of_augment(self):
        space = search_space.parse(
            "augment=crop=4,flip|none,epochs=1:2,warmup=0|0.1"
        )
        self.assertEqual(space["augment"], Choices(("flip,crop=4", "none")))
        self.assertEqual([*space], ["augment", "epochs", "warmup"])

    def test_a_dimension_is_shown_as_it_is_asked_for(self):
        for text in "epochs=2:8", "warmup=log:0.1:0.5", "batch_size=1|2":
            name, _, values = text.partition("=")
            self.assertEqual(str(search_space.parse(text)[name]), values)

    @parameterized.parameters(
        ("learning_rate", "'learning_rate' is no setting with values"),
        ("learning_rat=1:2", "did you mean learning_rate?"),
        ("run_dir=a|b", "Unknown setting 'run_dir'"),
        ("seed=1:5", "seed can't be tried: .* --seeds says"),
        ("validation_fraction=0.1|0.2", "compared on the same images"),
        ("tta=True|False", "it changes nothing but the test accuracy"),
        ("batch_size=128", "has one value, '128': .* --batch_size=128"),
        ("batch_size=128|128", "has a value twice"),
        ("augment=flip,crop=4|crop=4,flip", "has a value twice"),
        ("batch_size=1.5:3", "has values of type int, got '1.5'"),
        ("batch_size=0:3", "batch_size must be between 1 and"),
        ("label_smoothing=0:1", "at least 0 and below 1, got 1.0"),
        ("learning_rate=0.3:0.1", "from a lower to a higher value"),
        ("label_smoothing=log:0:0.1", "log of label_smoothing must start ab"),
        ("learning_rate=lin:1:2", "must be low:high, log:low:high or a|b|c"),
        ("easy_every=1:5", "easy_every must be odd .* got 2"),
        ("optimizer=sgd|adan", "Unknown optimizer 'adan'; did you mean adam"),
        ("augment=flip,crop=2|cropp=1", "Unknown augmentation 'cropp'"),
        ("epochs=1:2,epochs=2:3", "epochs is there twice"),
        ("epochs=1:2,", "'' is no setting with values"),
    )
    def test_mistakes(self, text, message):
        with self.assertRaisesRegex(ValueError, message.replace("|", "\\|")):
            search_space.parse(text)


class FileTest(parameterized.TestCase):
    def _parse(self, text):
        path = pathlib.Path(self.create_tempdir().full_path) / "search.json"
        path.write_text(text)
        return search_space.parse(str(path))

    def test_says_the_same(self):
        values = {"epochs": "2:8", "augment": "flip,crop=2|none"}
        self.assertEqual(
            self._parse(json.dumps(values)),
            search_space.parse("epochs=2:8,augment=flip,crop=2|none"),
        )

    @parameterized.parameters(
        ("{", "is no JSON"),
        ("[]", "must hold an object of texts"),
        ("{}", "must hold an object of texts"),
        ('{"epochs": [1, 2]}', "must hold an object of texts"),
    )
    def test_mistakes(self, text, message):
        with self.assertRaisesRegex(ValueError, message):
            self._parse(text)

    def test_there_must_be_one(self):
        with self.assertRaisesRegex(ValueError, "nowhere.json can't be read"):
            search_space.parse("nowhere.json")


if __name__ == "__main__":
    absltest.main()
