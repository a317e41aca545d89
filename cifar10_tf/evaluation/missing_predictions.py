"""The predictions of runs that have saved none, as older ones."""

import logging

from cifar10_tf.datasets.loading import load_prepared
from cifar10_tf.runs import predictions_file
from cifar10_tf.runs.run_directory import RunDirectory
from cifar10_tf.system import tensorflow_startup

_log = logging.getLogger(__name__)


def make(directory: RunDirectory) -> None:
    """Evaluates a run's model once, if it has not saved its predictions.

    Raises:
        UserError: the run is not complete, or its model or its data are gone.
        OSError: the directory can't be written.
    """
    if directory.predictions.exists():
        return
    config, summary = directory.read_config(), directory.read_summary()
    directory.check_model()
    dataset = load_prepared(config.dataset, config.data_dir)
    _log.info("%s has no predictions yet: evaluating.", directory.path)
    tensorflow_startup.start_tensorflow()
    import keras

    from cifar10_tf.evaluation import evaluation
    from cifar10_tf.runs import saved_model

    with saved_model.keeping_policy():
        keras.config.set_dtype_policy(summary["precision"])
        result = evaluation.evaluate(
            directory, dataset.test, dataset.class_names
        )
    predictions_file.write(
        directory.predictions, result.probabilities, result.labels
    )
