from absl.testing import absltest

from cifar10_tf.cli import export_table


def _speed(latency_ms, images_per_sec):
    return {
        "latency_ms": {"median": latency_ms},
        "images_per_sec": {"median": images_per_sec},
    }


class DescribeTest(absltest.TestCase):
    def test_lines_up(self):
        compared = {"max_difference": 0.0012, "agreement": 0.998}
        text = export_table.describe(
            {
                "precision": "mixed_float16",
                "test_accuracy": 0.9412,
                "keras": {"model.predict": _speed(41.5, 900)},
                "formats": {
                    "onnx": {
                        "file": "model.onnx",
                        "precision": "float32",
                        "size_bytes": 524_106,
                    }
                    | compared
                    | _speed(0.25, 7000),
                    "litert_int8": {
                        "file": "model_int8.tflite",
                        "precision": "int8",
                        "size_bytes": 146_592,
                        "test_accuracy": 0.9396,
                    }
                    | compared
                    | _speed(0.125, 14000),
                },
            }
        )
        self.assertEqual(
            text,
            "export             precision        size   1 image    of 256"
            "  max. difference  agreement\n"
            "model.predict      mixed_float16          41.50 ms     900/s\n"
            "model.onnx         float32        524 kB   0.25 ms   7,000/s"
            "          1.2e-03      99.8%\n"
            "model_int8.tflite  int8           147 kB   0.12 ms  14,000/s"
            "          1.2e-03      99.8%\n"
            "Test accuracy 94.12%, of model_int8.tflite 93.96%",
        )


if __name__ == "__main__":
    absltest.main()
