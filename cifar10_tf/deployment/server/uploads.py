"""The body of a request -> image files, in memory."""

import io
import re

from python_multipart.multipart import FormParserError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from cifar10_tf.datasets import image_files
from cifar10_tf.deployment.image_arguments import ImageFile
from cifar10_tf.deployment.server.request_limits import MAX_BYTES

MAX_IMAGES = 128

# Of all images of a request: a photograph or two, decoded.
_MAX_PIXELS = 100_000_000

MULTIPART = "multipart/form-data"
RAW = "application/octet-stream"
_ANY_IMAGE = re.compile(r"image/[\w.+-]+")


class _InMemory(MultiPartParser):
    spool_max_size = MAX_BYTES  # nothing that is sent goes to a disk


async def read(request: Request, max_images: int) -> list[ImageFile]:
    """Returns the images of a request: the files of a form, or its whole body.

    Args:
        request: whose body is read.
        max_images: of a form.

    Raises:
        HTTPException: it is neither, there are too many, or none.
    """
    content_type = request.headers.get("content-type", "")
    content_type = content_type.partition(";")[0].strip().lower()
    if content_type == MULTIPART:
        images = await _files_of_form(request, max_images)
    elif content_type == RAW or _ANY_IMAGE.fullmatch(content_type):
        images = [ImageFile("", io.BytesIO(await request.body()))]
    else:
        raise HTTPException(
            415,
            f"send files as {MULTIPART}, or one image as {RAW} or image/...",
        )
    # To read a head may take long.
    await run_in_threadpool(_check_pixels, images)
    return images


async def _files_of_form(request: Request, max_images: int) -> list[ImageFile]:
    parser = _InMemory(
        request.headers, request.stream(), max_files=max_images, max_fields=16
    )
    try:
        form = await parser.parse()
    except (MultiPartException, FormParserError, KeyError) as error:
        reason = getattr(error, "message", "it is no form")
        raise HTTPException(400, f"the form can't be read: {reason}") from error
    images = [
        ImageFile(value.filename or name, value.file)
        for name, value in form.multi_items()
        if isinstance(value, UploadFile)
    ]
    if not images:
        raise HTTPException(422, "there is no file in the form")
    return images


def _check_pixels(images: list[ImageFile]) -> None:
    if len(images) == 1:  # has the limit of every image
        return
    num_pixels = sum(image_files.num_pixels(image.file) for image in images)
    if num_pixels > _MAX_PIXELS:
        raise HTTPException(
            413, f"the images have more than {_MAX_PIXELS:,} pixels together"
        )
