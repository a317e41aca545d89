"""The formats that a run is exported in: where the whole list is."""

from typing import NamedTuple


class ExportFormat(NamedTuple):
    """What is known of a format without importing anything.

    Attributes:
        file: what it is called in the directory `export` of a run.
        runtime: the class that writes and computes it, in
            `deployment/runtimes`.
        libraries: what is imported beside TensorFlow; the first one computes.
        is_quantized: whether it computes with integers, and so is no copy of
            the network but another, of about the same accuracy.
    """

    file: str
    runtime: str
    libraries: tuple[str, ...] = ()
    is_quantized: bool = False


FORMATS = {
    "savedmodel": ExportFormat("savedmodel", "savedmodel.SavedModel"),
    "litert": ExportFormat(
        "model.tflite", "litert.LiteRt", ("ai_edge_litert",)
    ),
    "litert_int8": ExportFormat(
        "model_int8.tflite",
        "litert_int8.LiteRtInt8",
        ("ai_edge_litert",),
        is_quantized=True,
    ),
    "onnx": ExportFormat(
        "model.onnx",
        "onnx_runtime.OnnxRuntime",
        ("onnxruntime", "onnx", "tf2onnx"),
    ),
    "keras": ExportFormat("model.keras", "keras_file.KerasFile"),
}
