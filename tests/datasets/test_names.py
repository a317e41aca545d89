from absl.testing import absltest, parameterized

from cifar10_tf.datasets import names


class NamesTest(parameterized.TestCase):
    @parameterized.parameters(
        ("cifar10", "CIFAR-10", "cifar10"),
        ("synthetic10", "synthetic10 (not CIFAR-10)", "synthetic10"),
        ("eurosat/rgb", "eurosat/rgb", "eurosat-rgb"),
        ("folder:/data/my cats", "folder my cats", "folder-my-cats"),
        ("folder:/", "folder /", "folder-"),
    )
    def test_title_and_slug(self, name, title, slug):
        self.assertEqual(names.title(name), title)
        self.assertEqual(names.slug(name), slug)


if __name__ == "__main__":
    absltest.main()
