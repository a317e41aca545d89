import keras
import numpy as np
from absl.testing import absltest, parameterized

from cifar10_tf.optimizers.schedules import make_schedule
from cifar10_tf.settings.optimizers import SCHEDULES


def _schedule(name, **kwargs):
    return make_schedule(name, peak=0.8, **kwargs)


class MakeScheduleTest(parameterized.TestCase):
    def _assert_rates(self, schedule, expected):
        for step, rate in expected.items():
            np.testing.assert_allclose(
                schedule(step), rate, rtol=1e-5, atol=1e-7, err_msg=str(step)
            )

    def test_constant_is_a_number(self):
        self.assertEqual(_schedule("constant", num_steps=10), 0.8)

    def test_constant_after_warmup(self):
        schedule = _schedule("constant", num_steps=20, warmup=0.2)
        rates = {0: 0.16, 1: 0.32, 3: 0.64, 4: 0.8, 12: 0.8, 19: 0.8}
        self._assert_rates(schedule, rates)

    def test_linear(self):
        schedule = _schedule("linear", num_steps=10)
        self._assert_rates(schedule, {0: 0.8, 5: 0.4, 9: 0.08, 10: 0, 11: 0})

    def test_linear_after_warmup(self):
        schedule = _schedule("linear", num_steps=10, warmup=0.2)
        self._assert_rates(
            schedule, {0: 0.8 / 3, 1: 1.6 / 3, 2: 0.8, 6: 0.4, 9: 0.1, 10: 0}
        )

    def test_cosine_is_keras_cosine(self):
        schedule = _schedule("cosine", num_steps=100)
        expected = keras.optimizers.schedules.CosineDecay(0.8, 100)
        self._assert_rates(
            schedule, {step: expected(step) for step in (0, 1, 30, 50, 99, 100)}
        )

    def test_cosine_after_warmup(self):
        schedule = _schedule("cosine", num_steps=100, warmup=0.1)
        decay = keras.optimizers.schedules.CosineDecay(0.8, 90)
        expected = {step: decay(step - 10) for step in (10, 40, 99, 120)}
        self._assert_rates(schedule, {0: 0.8 / 11, 9: 8 / 11} | expected)

    def test_one_cycle(self):
        schedule = _schedule("one_cycle", num_steps=100, warmup=0.7)
        middle = (0.8 + 0.8 / 250_000) / 2
        self._assert_rates(
            schedule,
            {0: 0.032, 15: 0.416, 30: 0.8, 65: middle, 100: 0.8 / 250_000},
        )

    @parameterized.product(
        name=SCHEDULES, num_steps=[1, 2, 7], warmup=[0.0, 0.5, 0.99]
    )
    def test_rates_are_positive_in_every_step(self, name, num_steps, warmup):
        schedule = _schedule(name, num_steps=num_steps, warmup=warmup)
        for step in range(num_steps):
            rate = schedule(step) if callable(schedule) else schedule
            self.assertBetween(float(rate), 1e-7, 0.8 * (1 + 1e-6))

    @parameterized.parameters("cosine", "linear", "one_cycle")
    def test_config_round_trip(self, name):
        schedule = _schedule(name, num_steps=10, warmup=0.3)
        schedules = keras.optimizers.schedules
        again = schedules.deserialize(schedules.serialize(schedule))
        self.assertEqual(again.get_config(), schedule.get_config())
        self._assert_rates(again, {s: schedule(s) for s in range(10)})


if __name__ == "__main__":
    absltest.main()
