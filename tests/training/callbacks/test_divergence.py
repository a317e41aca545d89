import math

from absl.testing import absltest, parameterized

from cifar10_tf.system.errors import UserError
from cifar10_tf.training.callbacks.divergence import Divergence
from tests import fakes


class DivergenceTest(parameterized.TestCase):
    def _divergence(self):
        divergence = Divergence(lambda: "none is kept")
        divergence.set_params({"steps": 3, "epochs": 2})
        divergence.on_epoch_begin(1)
        return divergence

    @parameterized.parameters(math.nan, math.inf, -math.inf)
    def test_a_loss_that_is_not_finite(self, loss):
        with self.assertRaisesRegex(
            UserError,
            f"the loss became {loss} by step 5; none is kept. Start over with "
            "--restart and a lower --learning_rate",
        ):
            self._divergence().on_train_batch_end(1, {"loss": loss})

    def test_a_metric_of_an_epoch_that_is_not_finite(self):
        logs = {"loss": 1.0, "val_loss": math.inf}
        with self.assertRaisesRegex(UserError, "val_loss became inf by step 6"):
            self._divergence().on_epoch_end(1, logs)

    def test_what_is_finite_goes_on(self):
        fakes.fit([Divergence(lambda: self.fail("asked for nothing"))])


if __name__ == "__main__":
    absltest.main()
