"""Requests that arrive together -> one batch; one thread computes."""

import asyncio
import concurrent.futures
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

from cifar10_tf.deployment.image_arguments import Failure, ImageFile
from cifar10_tf.deployment.predictions import Prediction
from cifar10_tf.deployment.predictor import Predictor

# Images computed together: more take no less time each, and let others wait.
_MAX_BATCH = 256


class BusyError(Exception):
    """As many requests wait as may."""


class _Request(NamedTuple):
    images: list[ImageFile]
    results: asyncio.Future


class Batching:
    """Classifies the images of requests; what waits goes together.

    While a batch is computed, requests gather for the next one. So nobody waits
    for others to come, and the busier it is, the larger are the batches.
    """

    def __init__(self, predictor: Predictor, *, max_waiting: int):
        """Makes its thread; `running` computes.

        Args:
            predictor: which classifies.
            max_waiting: requests, those being computed included.
        """
        self._predictor = predictor
        self._max_waiting = max_waiting
        self._num_waiting = 0
        self._requests: asyncio.Queue[_Request] = asyncio.Queue()
        # The runtimes are for one thread; more would only share its cores.
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        self._left_over: _Request | None = None

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Has a place among those that wait, which every request needs.

        Raises:
            BusyError: all are taken.
        """
        if self._num_waiting >= self._max_waiting:
            raise BusyError
        self._num_waiting += 1
        try:
            yield
        finally:
            self._num_waiting -= 1

    async def classify(
        self, images: list[ImageFile]
    ) -> list[Prediction | Failure]:
        """Returns what each image is, in order."""
        future = asyncio.get_running_loop().create_future()
        self._requests.put_nowait(_Request(images, future))
        return await future

    async def compute(self, function: Callable, *arguments: Any) -> Any:
        """Returns what a function does that needs the model for itself."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, function, *arguments)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Computes batch after batch meanwhile."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            self._thread.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._next_batch()
            images = [image for request in batch for image in request.images]
            try:
                results = iter(
                    await loop.run_in_executor(
                        self._thread, self._classify, images
                    )
                )
            except Exception as error:  # theirs alone: the next are served
                for request in batch:
                    _answer(request, error)
                continue
            for request in batch:
                own = list(itertools.islice(results, len(request.images)))
                _answer(request, own)

    async def _next_batch(self) -> list[_Request]:
        batch = [self._left_over or await self._requests.get()]
        self._left_over = None
        num_images = len(batch[0].images)
        while not self._requests.empty():
            request = self._requests.get_nowait()
            num_images += len(request.images)
            if num_images > _MAX_BATCH:
                self._left_over = request
                break
            batch.append(request)
        return batch

    def _classify(self, images: list) -> list[Prediction | Failure]:
        return list(self._predictor.classify(images))


def _answer(request: _Request, result: Any) -> None:
    if request.results.done():  # cancelled at the end of the server
        return
    if isinstance(result, Exception):
        request.results.set_exception(result)
    else:
        request.results.set_result(result)
