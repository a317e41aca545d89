"""An .onnx file: written, and computed by ONNX Runtime without TensorFlow."""

import dataclasses
import pathlib
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from cifar10_tf.deployment.metadata import Metadata
from cifar10_tf.deployment.runtimes.runtime import Runtime
from cifar10_tf.system import inventory, log_output

if TYPE_CHECKING:
    from cifar10_tf.deployment.network import Network

# ONNX Runtime has known it since 1.14, also in browsers.
_OPSET = 18


class OnnxRuntime(Runtime):
    """The model of a file, on the CPU."""

    name = "ONNX Runtime"

    def __init__(self, path: pathlib.Path):
        """Loads it.

        Raises:
            Exception: it is damaged, or something else.
        """
        options = onnxruntime.SessionOptions()
        # Its own would be the machine's cores, also where fewer are allowed.
        options.intra_op_num_threads = inventory.num_cpus()
        # Waiting busily, it answers batches at a tenth of the rate where others
        # use the machine, too.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        texts = self._session.get_modelmeta().custom_metadata_map
        self.class_names = Metadata.from_texts(texts).class_names
        (outputs,) = self._session.get_outputs()
        width = outputs.shape[-1]  # a number, or the name of any number
        self._check_classes(width if isinstance(width, int) else None)

    def _predict(self, images: np.ndarray) -> np.ndarray:
        (probabilities,) = self._session.run(
            ["probabilities"], {"image": images}
        )
        return probabilities

    @staticmethod
    def write(network: "Network", path: pathlib.Path) -> Metadata:
        """Writes it in float32."""
        import onnx
        import tf2onnx

        from cifar10_tf.deployment.network import IMAGE

        with log_output.quiet_stderr():
            model, _ = tf2onnx.convert.from_function(
                network.frozen_in_float32,
                [IMAGE],
                opset=_OPSET,
                custom_op_handlers={"Erfc": (_erfc, [])},
            )
        for tensor in (*model.graph.input, *model.graph.output):
            tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
        metadata = dataclasses.replace(network.metadata, precision="float32")
        onnx.helper.set_model_props(model, metadata.to_texts())
        onnx.save(model, path)
        return metadata


def _erfc(graph, node, name: str, args: list):
    """Converts what tf2onnx does not know: 1 - erf(x), in GELU."""
    erf = graph.make_node("Erf", [node.input[0]])
    one = graph.make_const(f"{name}/one", np.float32(1).reshape(()))
    node.type = "Sub"
    graph.replace_inputs(node, [one.output[0], erf.output[0]])
