"""What OpenAPI says of requests and answers."""

from typing import Any

import pydantic

from cifar10_tf.deployment.server import uploads

# Among others; the server finds out itself what an image is.
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")

_ERRORS = {
    400: "A form that can't be read, or has too many images.",
    408: "The body did not come in time.",
    413: "Too many bytes, or pixels.",
    415: "Another type of content.",
    422: "None of the images can be used.",
    429: "Too many requests wait; Retry-After says how long.",
}


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


def errors(texts: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """Returns what OpenAPI says of answers that are errors."""
    return {
        status: {"model": Error, "description": text}
        for status, text in texts.items()
    }


def classifies(max_images: int) -> dict[str, Any]:
    """Returns what FastAPI is told of a path that takes images."""
    image = {"type": "string", "format": "binary"}
    images = {
        "type": "array",
        "minItems": 1,
        "maxItems": max_images,
        "items": image,
    }
    form = {
        "schema": {
            "type": "object",
            "required": ["images"],
            "properties": {"images": images},
        },
        "encoding": {"images": {"contentType": ", ".join(_IMAGE_TYPES)}},
    }
    raw = {content_type: {"schema": image} for content_type in _IMAGE_TYPES}
    body = {"required": True, "content": {uploads.MULTIPART: form, **raw}}
    return {
        "response_model": Answer,
        "responses": errors(_ERRORS),
        "openapi_extra": {"requestBody": body},
    }
