"""Times a server of a run, clients on the same cores, against no server.

    python benchmarks/serving.py --run_dir=DIR [--quick] [--output=FILE.json]

DIR is that of a complete run; with what `export` has made of it, the server
takes the fastest. In turn:

- one image a request: 32 connections, each sending a JPEG of 32 x 32 pixels
  again and again; requests per second, and the 99th percentile of the time
  until the answer is there;
- 64 images a request, as a form: 4 connections; images per second;
- no server: the same images decoded from memory and classified by the same
  runtime in this process; images per second.

Prints the ratio of the last two within each round, and by how much the
server's memory has grown since its first round.
"""

import asyncio
import io
import re
import signal
import subprocess
import sys
import time

import numpy as np
import requests
from harness.report import parser, ratios, report, row
from PIL import Image

from cifar10_tf.deployment.image_arguments import ImageFile
from cifar10_tf.deployment.predictor import Predictor
from cifar10_tf.deployment.server import fastest

_NUM_IMAGES = 64
_BOUNDARY = "image"


def main() -> None:
    """Runs the benchmark that this file's docstring describes."""
    flags = parser(__doc__)
    flags.add_argument("--run_dir", required=True, help="of a complete run")
    arguments = flags.parse_args()
    seconds, rounds = (1.0, 2) if arguments.quick else (10.0, 6)
    runtime, _ = fastest.choose(arguments.run_dir)
    predictor = Predictor(runtime)
    jpegs = _jpegs()
    process, url = _start(arguments.run_dir)
    try:
        served = requests.get(f"{url}/model", timeout=60).json()["runtime"]
        if served != runtime.name:
            print(f"note: the server took {served}, not {runtime.name}.")
        rows = _measure(url, process.pid, predictor, jpegs, seconds, rounds)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    report("serving", rows, arguments, ["fastapi", "uvicorn"])


def _measure(
    url: str,
    pid: int,
    predictor: Predictor,
    jpegs: list[bytes],
    seconds: float,
    rounds: int,
) -> list[dict]:
    one = _request("image/jpeg", jpegs[0])
    many = _request(f"multipart/form-data; boundary={_BOUNDARY}", _form(jpegs))
    rates, p99_ms, served, alone, memory = [], [], [], [], []
    for number in range(rounds):
        latencies = asyncio.run(_load(url, one, 32, seconds))
        rates.append(len(latencies) / seconds)
        p99_ms.append(1e3 * float(np.quantile(latencies, 0.99)))
        answers = asyncio.run(_load(url, many, 4, seconds))
        served.append(len(answers) * _NUM_IMAGES / seconds)
        alone.append(_without_server(predictor, jpegs, seconds))
        memory.append(_memory_mib(pid))
        print(f"{number + 1}/{rounds}", file=sys.stderr)
    grown = [value - memory[0] for value in memory[1:]]
    case, name = "64 images a request", predictor.runtime.name
    return [
        row("one image a request", name, "requests_per_sec", "1/s", rates),
        row("one image a request", name, "p99_ms", "ms", p99_ms),
        row(case, name, "images_per_sec", "images/s", served),
        row("no server", name, "images_per_sec", "images/s", alone),
        row(f"{case} / no server", name, "ratio", "1", ratios(served, alone)),
        row("growth of memory", name, "rss_mib", "MiB", grown),
    ]


def _jpegs() -> list[bytes]:
    """Returns JPEGs of 32 x 32 pixels, each of its own colours."""
    rng, files = np.random.RandomState(0), []
    for _ in range(_NUM_IMAGES):
        pixels = rng.randint(0, 256, (4, 4, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).resize((32, 32)).save(file, "JPEG")
        files.append(file.getvalue())
    return files


def _start(run_dir: str) -> tuple[subprocess.Popen, str]:
    command = [sys.executable, "-m", "cifar10_tf.main", "serve", "--port=0"]
    process = subprocess.Popen(
        [*command, f"--run_dir={run_dir}"], stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if match := re.search(r"http://\S+", line):
            return process, match[0]
    sys.exit(f"error: the server ended with {process.wait()}.")


def _request(content_type: str, body: bytes) -> bytes:
    head = (
        "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _form(files: list[bytes]) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data; "
        'name="images"; filename="x.jpg"\r\n\r\n'
    ).encode()
    parts = [head + file + b"\r\n" for file in files]
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


async def _load(
    url: str, request: bytes, num_connections: int, seconds: float
) -> list[float]:
    """Returns the seconds that each of many requests took."""
    host, port = url.removeprefix("http://").split(":")
    connections = await asyncio.gather(
        *(asyncio.open_connection(host, port) for _ in range(num_connections))
    )
    # From here on: each asks at least once, however long connecting took.
    end = time.perf_counter() + seconds
    latencies = []

    async def client(reader, writer) -> None:
        while (start := time.perf_counter()) < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                sys.exit(f"error: {head.decode()}")
            length = re.search(rb"content-length: (\d+)", head)[1]
            await reader.readexactly(int(length))
            latencies.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(client(*connection) for connection in connections))
    return latencies


def _without_server(
    predictor: Predictor, jpegs: list[bytes], seconds: float
) -> float:
    """Returns images per second."""
    start, num_images = time.perf_counter(), 0
    while (sec := time.perf_counter() - start) < seconds:
        files = [ImageFile("", io.BytesIO(jpeg)) for jpeg in jpegs]
        num_images += len(list(predictor.classify(files)))
    return num_images / sec


def _memory_mib(pid: int) -> float:
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024


if __name__ == "__main__":
    main()
