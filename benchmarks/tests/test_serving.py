import os

import serving
from absl.testing import absltest

from cifar10_tf.deployment.predictor import Predictor
from tests.deployment.fake_runtime import Brightness
from tests.deployment.server.running import running


class ServingTest(absltest.TestCase):
    def test_every_answer_is_counted(self):
        predictor = Predictor(Brightness())
        with running() as server:
            rows = serving._measure(
                server.url,
                os.getpid(),
                predictor,
                serving._jpegs(),
                seconds=0.1,
                rounds=2,
            )
        of = {(row["case"], row["metric"]): row["median"] for row in rows}
        self.assertLen(of, 6)
        self.assertGreater(of["one image a request", "requests_per_sec"], 0)
        self.assertGreater(of["64 images a request / no server", "ratio"], 0)


if __name__ == "__main__":
    absltest.main()
