"""The HTTP interface: which paths there are, and what they answer."""

import contextlib
import pathlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pydantic
from fastapi import FastAPI, Query
from fastapi.exceptions import RequestValidationError
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from cifar10_tf.deployment import occlusion
from cifar10_tf.deployment.predictions import Prediction
from cifar10_tf.deployment.predictor import Predictor
from cifar10_tf.deployment.server import uploads
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


class Error(pydantic.BaseModel):
    """What went wrong."""

    error: str


class Guess(pydantic.BaseModel):
    """A class, and how probable it is."""

    label: str
    probability: float


class ImageResult(pydantic.BaseModel):
    """The most probable classes of an image, or why it can't be used."""

    file: str
    predictions: list[Guess] | None = None
    error: str | None = None
    pixels: str | None = None
    heat_map: str | None = None


class Answer(pydantic.BaseModel):
    """A result for each image, in order."""

    images: list[ImageResult]
    milliseconds: float
    runtime: str


def _errors(**texts: str) -> dict[int | str, dict[str, Any]]:
    return {
        int(status.removeprefix("on_")): {"model": Error, "description": text}
        for status, text in texts.items()
    }


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            uploads.MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "properties": {
                        "images": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": uploads.MAX_IMAGES,
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                }
            },
            "image/*": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def make_app(
    predictor: Predictor, card: dict[str, Any], samples: Samples
) -> FastAPI:
    """Returns the application that answers requests.

    Args:
        predictor: which classifies.
        card: what /model answers.
        samples: what the page draws from.
    """
    batching = Batching(predictor, max_waiting=_MAX_WAITING)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with batching.running():
            yield

    app = FastAPI(
        title="cifar10_tf",
        version=VERSION,
        description=f"Classifies images: {card['title']}.",
        lifespan=lifespan,
        docs_url=None,  # they load scripts of another host
        redoc_url=None,
    )
    app.add_middleware(RequestLimits)
    _add_errors(app)

    @app.post(
        "/predict",
        response_model=Answer,
        responses=_errors(
            on_400="A form that can't be read.",
            on_408="The body did not come in time.",
            on_413="Too many bytes, or pixels.",
            on_415="Another type of content.",
            on_422="None of the images can be used.",
            on_429="Too many requests wait; Retry-After says how long.",
        ),
        openapi_extra=_BODY,
    )
    async def predict(request: Request, explain: bool = False) -> Response:
        """Classifies images: the files of a form, or one as the whole body.

        explain adds the 32 x 32 pixels that the network got, and where it
        looks, as pictures: of at most 8 images.
        """
        start = time.perf_counter()
        images = await uploads.read(request)
        if explain and len(images) > _MAX_EXPLAINED:
            raise HTTPException(
                413, f"more than {_MAX_EXPLAINED} images to explain"
            )
        results = await batching.classify(images)
        entries = [result.to_dict() for result in results]
        if all("error" in entry for entry in entries):
            error = "; ".join(entry["error"] for entry in entries[:3])
            raise HTTPException(422, f"no image that can be used: {error}")
        if explain:
            for entry, result in zip(entries, results, strict=True):
                if isinstance(result, Prediction):
                    entry |= await batching.compute(_explain, result, predictor)
        return JSONResponse(
            {
                "images": entries,
                "milliseconds": 1e3 * (time.perf_counter() - start),
                "runtime": predictor.runtime.name,
            }
        )

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Says that the server answers."""
        return {"status": "ok"}

    @app.get("/model")
    async def model() -> dict[str, Any]:
        """Says what the model was trained on, and how good it is."""
        return card

    @app.get("/samples", responses=_errors(on_404="No test images here."))
    async def draw_samples(
        number: int = Query(6, ge=1, le=24),
    ) -> list[dict[str, str]]:
        """Draws random images of the test set, with their labels."""
        try:
            return await run_in_threadpool(samples.draw, number)
        except UserError as error:
            raise HTTPException(404, str(error)) from error

    _add_page(app)
    return app


def _explain(result: Prediction, predictor: Predictor) -> dict[str, str]:
    label = int(result.probabilities.argmax())
    heat = occlusion.heat_map(result.image, label, predictor.probabilities)
    overlay = occlusion.overlay(result.image, heat, 128)
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
