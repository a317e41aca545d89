import optuna
from absl.testing import absltest, parameterized

from cifar10_tf.settings import search_space
from cifar10_tf.studies.sweeps.sampler import RepeatableSampler

_SPACE = "learning_rate=log:0.001:1,epochs=1:50,batch_size=128|256|512"


class RepeatableSamplerTest(parameterized.TestCase):
    def _study(self, name, seed=1, space=_SPACE):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = RepeatableSampler(name, search_space.parse(space), seed)
        return optuna.create_study(direction="maximize", sampler=sampler)

    def _ask(self, study):
        return study.ask(study.sampler.distributions)

    def _run(self, study, number):
        """Makes so many trials; the higher the learning rate, the better."""
        for _ in range(number):
            trial = self._ask(study)
            study.tell(trial, trial.params["learning_rate"])
        return [trial.params for trial in study.trials]

    @parameterized.parameters("tpe", "random")
    def test_another_process_goes_on_with_the_same(self, name):
        whole = self._run(self._study(name), 15)
        study = self._study(name)
        self._run(study, 12)
        study.sampler = self._study(name).sampler
        self.assertEqual(self._run(study, 3), whole)

    @parameterized.parameters("tpe", "random", "grid")
    def test_seeds_differ(self, name):
        space = "batch_size=1|2|3|4|5|6|7|8,epochs=1|2|3|4"
        params = [
            [self._ask(study).params for _ in range(4)]
            for study in (self._study(name, seed, space) for seed in (1, 2))
        ]
        self.assertNotEqual(*params)

    def test_values_are_in_range_and_short(self):
        for params in self._run(self._study("tpe"), 25):
            self.assertBetween(params["learning_rate"], 0.001, 1)
            self.assertEqual(
                params["learning_rate"], float(f"{params['learning_rate']:.4g}")
            )
            self.assertIn(params["epochs"], range(1, 51))
            self.assertIn(params["batch_size"], (128, 256, 512))

    def test_a_short_value_stays_in_its_range(self):
        study = self._study("random", space="learning_rate=0.123456:0.123457")
        for _ in range(5):
            value = self._ask(study).params["learning_rate"]
            self.assertBetween(value, 0.123456, 0.123457)

    def test_a_grid_has_all_combinations_once(self):
        study = self._study("grid", space="epochs=1|2,batch_size=3|4|5")
        params = {tuple(self._ask(study).params.values()) for _ in range(6)}
        self.assertEqual(params, {(e, b) for e in (1, 2) for b in (3, 4, 5)})


if __name__ == "__main__":
    absltest.main()
