import io
import queue
import random
import shutil
import subprocess
import threading
import time
import unittest
from unittest import mock

import requests
from absl.testing import absltest, parameterized
from PIL import Image

from cifar10_tf.datasets import image_files
from cifar10_tf.deployment.server import app, request_limits, uploads
from cifar10_tf.deployment.server import server as of_server
from cifar10_tf.system.errors import UserError
from tests.deployment.fake_runtime import Brightness
from tests.deployment.server.running import Slow, connect, running

_BROWSER = shutil.which("chromium")


def png(level: int = 255, size=(40, 50)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (level,) * 3).save(file, "PNG")
    return file.getvalue()


def _form(*contents: bytes) -> list:
    return [
        ("images", (f"{i}.png", content)) for i, content in enumerate(contents)
    ]


class AppTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.samples = mock.Mock()
        cls.server = cls.enterClassContext(running(samples=cls.samples))

    def _post(self, path="/predict", **request):
        return requests.post(self.server.url + path, timeout=60, **request)

    def _get(self, path):
        return requests.get(self.server.url + path, timeout=60)

    def _labels(self, response):
        self.assertEqual(response.status_code, 200, response.text)
        return [
            image["predictions"][0]["label"] if "predictions" in image else None
            for image in response.json()["images"]
        ]

    def _assert_refused(self, response, status, part):
        self.assertEqual(response.status_code, status, response.text)
        self.assertIn(part, response.json()["error"])

    def test_a_form_of_several_images(self):
        response = self._post(files=_form(png(0), b"none", png(255)))
        self.assertEqual(self._labels(response), ["dark", None, "bright"])
        images = response.json()["images"]
        self.assertEqual(
            [i["file"] for i in images], ["0.png", "1.png", "2.png"]
        )
        self.assertEqual(images[1]["error"], "not an image")

    @parameterized.parameters("image/png", "application/octet-stream")
    def test_the_bytes_of_one_image(self, content_type):
        response = self._post(
            data=png(0), headers={"Content-Type": content_type}
        )
        self.assertEqual(self._labels(response), ["dark"])

    def test_an_explanation_has_pictures(self):
        response = self._post("/explain", files=_form(png()))
        (image,) = response.json()["images"]
        for name in "pixels", "heat_map":
            self.assertStartsWith(image[name], "data:image/png;base64,")
        too_many = _form(*[png()] * 9)
        response = self._post("/explain", files=too_many)
        self._assert_refused(response, 400, "Too many files")

    def test_what_is_no_image(self):
        headers = {"Content-Type": "image/png"}
        for data, part in (
            (b"", "empty"),
            (b"<svg onload='alert(1)'/>", "not an image"),
            (png()[:-20], "truncated"),
            (png(size=(10_000, 5_001)), "more than 50,000,000"),
        ):
            response = self._post(data=data, headers=headers)
            self._assert_refused(response, 422, part)

    def test_what_is_no_request(self):
        self._assert_refused(
            self._post(data={"images": "x"}), 415, "send files"
        )
        self._assert_refused(
            self._post(files=[("x", (None, b"text"))]), 422, "no file"
        )
        self._assert_refused(
            self._post(
                data=b"nothing",
                headers={"Content-Type": "multipart/form-data; boundary=x"},
            ),
            400,
            "form can't be read",
        )
        self._assert_refused(
            self._post(
                data=b"x", headers={"Content-Type": "multipart/form-data"}
            ),
            400,
            "form can't be read",
        )
        self._assert_refused(self._get("/predict"), 405, "Not Allowed")
        self._assert_refused(self._get("/../../etc/passwd"), 404, "Not Found")

    def test_limits(self):
        too_large = bytes(request_limits.MAX_BYTES + 1)
        headers = {"Content-Type": "image/png"}
        response = self._post(data=too_large, headers=headers)
        self._assert_refused(response, 413, "bytes")
        # Of no announced length.
        response = self._post(data=iter([too_large]), headers=headers)
        self._assert_refused(response, 413, "bytes")
        too_many = _form(*[png()] * (uploads.MAX_IMAGES + 1))
        self._assert_refused(self._post(files=too_many), 400, "Too many files")
        large = png(size=(7000, 7000))
        response = self._post(files=_form(large, large, large))
        self._assert_refused(response, 413, "pixels together")

    def test_hostile_requests_are_answered_and_the_next_one_is_served(self):
        rng = random.Random(0)
        image = png()
        for _ in range(100):
            changed = bytearray(image)
            for _ in range(rng.randint(1, 20)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            response = self._post(files=_form(bytes(changed)))
            self.assertIn(response.status_code, (200, 422))
        for raw in b"\0" * 100, b"POST /predict HTTP/1.1\r\n\r\n", b"GET":
            with connect(self.server) as connection:
                connection.sendall(raw)
        with connect(self.server) as connection:  # goes away halfway
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
                b"Content-Type: image/png\r\n\r\nhalf"
            )
        self.assertEqual(
            self._labels(self._post(files=_form(image))), ["bright"]
        )

    def test_the_rest(self):
        self.assertEqual(self._get("/healthz").json(), {"status": "ok"})
        self.assertEqual(self._get("/model").json()["test_accuracy"], 0.5)
        self.samples.draw.return_value = [{"label": "x", "image": "data:"}]
        self.assertLen(self._get("/samples?number=1").json(), 1)
        self.samples.draw.assert_called_once_with(1)
        self._assert_refused(self._get("/samples?number=99"), 422, "number")
        self.samples.draw.side_effect = UserError("not on this machine")
        self._assert_refused(self._get("/samples"), 404, "not on this machine")
        paths = self._get("/openapi.json").json()["paths"]
        self.assertEqual(
            set(paths),
            {"/predict", "/explain", "/healthz", "/model", "/samples"},
        )

    def test_nothing_of_another_host(self):
        for path in "/", "/page.js", "/page.css", "/style.css", "/healthz":
            response = self._get(path)
            self.assertEqual(response.status_code, 200)
            text = response.text.replace("http://www.w3.org/2000/svg", "")
            self.assertNotRegex(text, "https?://")
        for path in "/docs", "/redoc":
            self.assertEqual(self._get(path).status_code, 404)

    def test_every_answer_has_the_headers_that_keep_a_browser_here(self):
        too_large = bytes(request_limits.MAX_BYTES + 1)
        headers = {"Content-Type": "image/png"}
        for response in (
            self._get("/"),
            self._get("/model"),
            self._get("/gone"),
            self._post(data=too_large, headers=headers),
            self._post(data=b"", headers=headers),
        ):
            self._assert_headers(response)

    def _assert_headers(self, response):
        for name, value in {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
            "style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }.items():
            self.assertEqual(response.headers.get(name), value, response.url)

    def test_other_hosts_are_refused(self):
        headers = {"Host": "evil.example"}
        response = requests.get(f"{self.server.url}/model", headers=headers)
        self._assert_refused(response, 403, "no name of this server")
        response = self._post(
            files=_form(png()), headers={"Sec-Fetch-Site": "cross-site"}
        )
        self._assert_refused(response, 403, "page of another host")
        for host in "localhost:1", "127.0.0.1", "[::1]:8000":
            response = requests.get(
                f"{self.server.url}/healthz", headers={"Host": host}
            )
            self.assertEqual(response.status_code, 200)

    def test_what_fails_inside_is_an_answer(self):
        with (
            mock.patch.object(
                Brightness, "_predict", side_effect=RuntimeError("lost")
            ),
            self.assertLogs("cifar10_tf", "ERROR"),
        ):
            response = self._post(files=_form(png()))
        self._assert_refused(response, 500, "the server failed")
        self._assert_headers(response)
        self.assertEqual(
            self._labels(self._post(files=_form(png()))), ["bright"]
        )

    def test_a_head_that_takes_long_keeps_nobody_waiting(self):
        reads, may_go_on = threading.Event(), threading.Event()

        def num_pixels(file):
            reads.set()
            may_go_on.wait(60)
            return 1

        with mock.patch.object(image_files, "num_pixels", num_pixels):
            thread = threading.Thread(
                target=self._post, kwargs={"files": _form(png(), png())}
            )
            thread.start()
            reads.wait(60)
            self.assertEqual(self._get("/healthz").status_code, 200)
            may_go_on.set()
            thread.join()

    def test_only_http_is_spoken(self):
        config = of_server.config(None)
        config.load()
        self.assertIsNone(config.ws_protocol_class)

    @unittest.skipUnless(_BROWSER, "needs chromium")
    def test_a_browser_shows_the_model(self):
        shown = subprocess.run(
            [
                _BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
                "--no-first-run", "--disable-background-networking",
                f"--user-data-dir={self.create_tempdir().full_path}",
                "--virtual-time-budget=5000", "--dump-dom", self.server.url,
            ],
            capture_output=True, text=True, timeout=120,
        ).stdout  # fmt: skip
        self.assertIn('<h1 id="title">fake on CIFAR-10</h1>', shown)
        self.assertIn("dark, &lt;grey&gt;, bright", shown)


class BusyTest(absltest.TestCase):
    def test_too_many_are_asked_to_come_again(self):
        runtime, responses = Slow(), queue.Queue()

        def post():
            responses.put(
                requests.post(
                    f"{server.url}/predict", files=_form(png()), timeout=60
                )
            )

        with (
            mock.patch.object(app, "_MAX_WAITING", 3),
            running(runtime) as server,
        ):
            threads = [threading.Thread(target=post) for _ in range(4)]
            threads[0].start()
            runtime.computes.wait(60)
            for thread in threads[1:]:
                thread.start()
            refused = responses.get(timeout=60)
            self.assertEqual(refused.status_code, 429)
            self.assertEqual(refused.headers["Retry-After"], "1")
            with mock.patch.object(app, "_explain") as explain:
                response = requests.post(
                    f"{server.url}/explain", files=_form(png()), timeout=60
                )
                self.assertEqual(response.status_code, 429)
                explain.assert_not_called()
            self.assertEqual(
                requests.get(f"{server.url}/healthz", timeout=60).status_code,
                200,
            )
            runtime.may_compute.set()
            for thread in threads:
                thread.join(60)
        for _ in range(3):
            self.assertEqual(responses.get().status_code, 200)
        # Those that waited were computed together.
        self.assertLen(runtime.batch_sizes, 2)

    def test_what_has_begun_is_finished(self):
        runtime, answers = Slow(), []

        def post():
            answers.append(
                requests.post(
                    f"{server.url}/predict", files=_form(png()), timeout=60
                ).status_code
            )

        with running(runtime) as server:
            thread = threading.Thread(target=post)
            thread.start()
            runtime.computes.wait(60)
            server.server.should_exit = True  # what SIGTERM does
            runtime.may_compute.set()
            thread.join(60)
        self.assertEqual(answers, [200])

    def test_who_has_connected_is_answered(self):
        with running() as server, connect(server) as connection:
            time.sleep(0.1)  # until it is let in
            server.server.should_exit = True
            time.sleep(0.2)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = connection.recv(1000)
        self.assertStartsWith(answer.decode(), "HTTP/1.1 200")

    def test_who_sends_slowly_is_let_go(self):
        with (
            mock.patch.object(request_limits, "MAX_SECONDS", 0.2),
            running() as server,
            connect(server) as connection,
        ):
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
                b"Content-Type: image/png\r\n\r\nslow"
            )
            answer = connection.recv(1000)
            self.assertStartsWith(answer.decode(), "HTTP/1.1 408")
            with connect(server) as without_a_head:
                without_a_head.sendall(b"POST /predict HTT")
                self.assertEqual(without_a_head.recv(1000), b"")


if __name__ == "__main__":
    absltest.main()
