from absl.testing import absltest, flagsaver

from cifar10_tf import flags


class ArgumentsTest(absltest.TestCase):
    def test_are_the_given_flags_with_changes(self):
        given = {"epochs": "3", "mixed_precision": "true", "augment": "a, b"}
        with flagsaver.as_parsed(**given):
            arguments = flags.arguments(epochs=4, tta=False)
        self.assertCountEqual(
            arguments,
            ["--epochs=4", "--mixed_precision=True", "--augment=a, b"]
            + ["--tta=False"],
        )


if __name__ == "__main__":
    absltest.main()
