"""The HTTP interface: which paths there are, and what they answer."""

import contextlib
import pathlib
import time
from collections.abc import AsyncIterator, Collection
from typing import Any

from fastapi import APIRouter, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from cifar10_tf.deployment import occlusion
from cifar10_tf.deployment.image_arguments import Failure
from cifar10_tf.deployment.predictions import Prediction
from cifar10_tf.deployment.predictor import Predictor
from cifar10_tf.deployment.server import schemas, uploads
from cifar10_tf.deployment.server.batching import Batching, BusyError
from cifar10_tf.deployment.server.request_limits import RequestLimits
from cifar10_tf.deployment.server.samples import Samples
from cifar10_tf.report import page
from cifar10_tf.report.image_sheet import data_uri
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.version import VERSION

_PAGE = pathlib.Path(__file__).parent / "page"

# Requests that are computed or wait for it.
_MAX_WAITING = 64

# Each takes as long as 362 predictions.
_MAX_EXPLAINED = 8


def make_app(
    predictor: Predictor,
    card: dict[str, Any],
    samples: Samples,
    own_hosts: Collection[str] | None = None,
) -> FastAPI:
    """Returns the application that answers requests.

    Args:
        predictor: which classifies.
        card: what /model answers.
        samples: what the page draws from.
        own_hosts: the names by which it may be asked; without them by any.
    """
    batching = Batching(predictor, max_waiting=_MAX_WAITING)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with batching.running():
            yield

    app = FastAPI(
        title="cifar10_tf",
        version=VERSION,
        description=f"{card['title']}, by {card['runtime']}",
        lifespan=lifespan,
        docs_url=None,  # they load scripts of another host
        redoc_url=None,
    )
    app.add_middleware(RequestLimits, own_hosts=own_hosts)
    _add_errors(app)
    app.include_router(_classification(predictor, batching))
    app.include_router(_description(card, samples))
    _add_page(app)
    return app


def _classification(predictor: Predictor, batching: Batching) -> APIRouter:
    router = APIRouter()

    @router.post("/predict", **schemas.classifies(uploads.MAX_IMAGES))
    async def predict(request: Request) -> Response:
        """Classifies images: the files of a form, or one as the whole body."""
        start = time.perf_counter()
        with batching.place():
            images = await uploads.read(request, uploads.MAX_IMAGES)
            results = await batching.classify(images)
            entries = _entries(results)
        return _answer(entries, predictor, start)

    @router.post("/explain", **schemas.classifies(_MAX_EXPLAINED))
    async def explain(request: Request) -> Response:
        """Classifies images, and says what the network got and looked at.

        Both are pictures, as data: pixels and heat_map.
        """
        start = time.perf_counter()
        with batching.place():
            images = await uploads.read(request, _MAX_EXPLAINED)
            results = await batching.classify(images)
            entries = _entries(results)
            for entry, result in zip(entries, results, strict=True):
                if isinstance(result, Prediction):
                    entry |= await batching.compute(_explain, result, predictor)
        return _answer(entries, predictor, start)

    return router


def _entries(results: list[Prediction | Failure]) -> list[dict[str, Any]]:
    entries = [result.to_dict() for result in results]
    if all("error" in entry for entry in entries):
        error = "; ".join(entry["error"] for entry in entries[:3])
        raise HTTPException(422, f"no image that can be used: {error}")
    return entries


def _answer(entries: list, predictor: Predictor, start: float) -> Response:
    return JSONResponse(
        {
            "images": entries,
            "milliseconds": 1e3 * (time.perf_counter() - start),
            "runtime": predictor.runtime.name,
        }
    )


def _description(card: dict[str, Any], samples: Samples) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Says that the server answers."""
        return {"status": "ok"}

    @router.get("/model")
    async def model() -> dict[str, Any]:
        """Says what the model was trained on, and how good it is."""
        return card

    @router.get("/samples", responses=schemas.errors({404: "No images here."}))
    async def draw_samples(
        number: int = Query(6, ge=1, le=24),
    ) -> list[dict[str, str]]:
        """Draws random images of the test set, with their labels."""
        try:
            return await run_in_threadpool(samples.draw, number)
        except UserError as error:
            raise HTTPException(404, str(error)) from error

    return router


def _explain(result: Prediction, predictor: Predictor) -> dict[str, str]:
    overlay = occlusion.where_it_looks(result, predictor.probabilities, 128)
    return {
        "pixels": data_uri(Image.fromarray(result.image), "PNG"),
        "heat_map": data_uri(overlay, "PNG"),
    }


def _add_errors(app: FastAPI) -> None:
    """Makes every error an object with one text."""

    @app.exception_handler(HTTPException)
    async def _(_: Request, error: HTTPException) -> Response:
        return JSONResponse(
            {"error": error.detail}, error.status_code, error.headers
        )

    @app.exception_handler(RequestValidationError)
    async def _(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return JSONResponse(
            {"error": f"{first['loc'][-1]}: {first['msg']}"}, 422
        )

    @app.exception_handler(BusyError)
    async def _(_: Request, __: BusyError) -> Response:
        return JSONResponse(
            {"error": "too many requests wait; try again"},
            429,
            {"Retry-After": "1"},
        )


def _add_page(app: FastAPI) -> None:
    for path, file in {
        "/": _PAGE / "index.html",
        "/page.js": _PAGE / "page.js",
        "/page.css": _PAGE / "page.css",
        "/style.css": page.STYLE,
    }.items():

        @app.get(path, include_in_schema=False)
        async def _(file: pathlib.Path = file) -> Response:
            return FileResponse(file)
