import numpy as np
import pytest
from absl.testing import absltest

pytest.importorskip("ai_edge_litert")

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from cifar10_tf.deployment.runtimes import litert_int8


class RepackTest(absltest.TestCase):
    def test_equal_vectors_are_written_once_and_tensors_aligned(self):
        model = schema.ModelT()
        model.buffers = [schema.BufferT() for _ in range(4)]
        sizes = (0, 100, 100, 7)
        for buffer, size in zip(model.buffers, sizes, strict=True):
            if size:
                buffer.data = np.arange(size, dtype=np.uint8)
        builder = flatbuffers.Builder(64)
        builder.Finish(model.Pack(builder), b"TFL3")
        content = bytes(builder.Output())

        repacked = litert_int8._repack(content)
        self.assertLess(len(repacked), len(content) - 60)
        self.assertTrue(schema.Model.ModelBufferHasIdentifier(repacked, 0))
        again = schema.Model.GetRootAs(repacked, 0)
        for i, size in enumerate(sizes):
            data = again.Buffers(i).DataAsNumpy() if size else ()
            self.assertSequenceEqual(list(data), range(size))
            if size:
                start = repacked.index(bytes(range(size)))
                self.assertEqual(start % 16, 0)


if __name__ == "__main__":
    absltest.main()
