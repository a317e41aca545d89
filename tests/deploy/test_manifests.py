"""The files in deploy/ against the schemas of what reads them."""

import importlib.util
import json
import pathlib
import re
import unittest

import jsonschema
import yaml
from absl.testing import absltest, parameterized
from kubeflow.training import models

from cifar10_tf.system import cluster

_DEPLOY = pathlib.Path(__file__).parents[2] / "deploy"

_SIMPLE = {"str": str, "int": int, "bool": bool, "object": object}


def _documents(name: str) -> dict[str, dict]:
    text = (_DEPLOY / "kubernetes" / name).read_text("utf-8")
    return {d["kind"]: d for d in yaml.safe_load_all(text)}


def _model(document: dict) -> str:
    is_tfjob = document["apiVersion"] == "kubeflow.org/v1"
    return f"{'KubeflowOrg' if is_tfjob else ''}V1{document['kind']}"


def _mistakes(value, kind: str, path: str = "") -> list[str]:
    """Lists what a field's type, as the API's clients know it, does not allow.

    They themselves pass over a field that they don't know; Kubernetes does not.
    """
    if match := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            return [f"{path} is no list"]
        items = enumerate(value)
        return [
            m for i, v in items for m in _mistakes(v, match[1], f"{path}/{i}")
        ]
    if match := re.fullmatch(r"dict\(str, (.*)\)", kind):
        items = value.items()
        return [
            m for k, v in items for m in _mistakes(v, match[1], f"{path}/{k}")
        ]
    if kind in _SIMPLE:
        is_right = isinstance(value, _SIMPLE[kind])
        return [] if is_right else [f"{path} is no {kind}"]
    model = getattr(models, kind)
    names = {json_name: n for n, json_name in model.attribute_map.items()}
    mistakes = [f"{path}/{k} is unknown" for k in value.keys() - names]
    for key in value.keys() & names:
        field = model.openapi_types[names[key]]
        mistakes += _mistakes(value[key], field, f"{path}/{key}")
    try:
        model(**{names[k]: v for k, v in value.items() if k in names})
    except ValueError as error:  # a field is missing
        mistakes.append(f"{path}: {error}")
    return mistakes


class KubernetesTest(parameterized.TestCase):
    @parameterized.parameters("data.yaml", "job.yaml", "tfjob.yaml")
    def test_has_known_fields_of_the_right_types(self, name):
        for document in _documents(name).values():
            self.assertEmpty(_mistakes(document, _model(document)))

    def test_a_mistake_would_be_found(self):
        (tfjob,) = _documents("tfjob.yaml").values()
        worker = tfjob["spec"]["tfReplicaSpecs"]["Worker"]
        worker["replica"] = worker.pop("replicas")
        (container,) = worker["template"]["spec"]["containers"]
        container["args"] = "train"
        del container["volumeMounts"][0]["name"]
        mistakes = "\n".join(_mistakes(tfjob, _model(tfjob)))
        for part in "Worker/replica is unknown", "args is no list", "`name`":
            self.assertIn(part, mistakes)
        self.assertLen(mistakes.splitlines(), 3)

    def test_a_job_tells_each_pod_who_the_others_are(self):
        service, job = (_documents("job.yaml")[k] for k in ("Service", "Job"))
        pod = job["spec"]["template"]["spec"]
        self.assertEqual(pod["subdomain"], service["metadata"]["name"])
        labels = job["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(service["spec"]["selector"], labels)
        (container,) = pod["containers"]
        variables = {e["name"]: e.get("value") for e in container["env"]}
        self.assertLess(
            [*variables].index("WORKER"), [*variables].index("TF_CONFIG")
        )  # otherwise Kubernetes does not put it in
        name = f"{job['metadata']['name']}-%d.{pod['subdomain']}:2222"
        num_workers = job["spec"]["completions"]
        self.assertEqual(job["spec"]["parallelism"], num_workers)
        for index in range(num_workers):
            text = variables["TF_CONFIG"].replace("$(WORKER)", str(index))
            self.assertEqual(
                cluster.from_environment({"TF_CONFIG": text}),
                cluster.Cluster(
                    tuple(name % i for i in range(num_workers)), index
                ),
            )

    def test_the_job_and_the_tfjob_are_the_same_training(self):
        (tfjob,) = _documents("tfjob.yaml").values()
        worker = tfjob["spec"]["tfReplicaSpecs"]["Worker"]
        job = _documents("job.yaml")["Job"]["spec"]
        self.assertEqual(worker["replicas"], job["completions"])
        pods = [t["template"]["spec"] for t in (worker, job)]
        claims = [p["volumes"][0]["persistentVolumeClaim"] for p in pods]
        claim = _documents("data.yaml")["PersistentVolumeClaim"]
        self.assertEqual(claims[0], {"claimName": claim["metadata"]["name"]})
        for pod in pods:
            (container,) = pod["containers"]
            del container["name"], container["env"][1:]
            for key in "subdomain", "restartPolicy":
                pod.pop(key, None)
        self.assertEqual(*pods)


class ImageTest(absltest.TestCase):
    def test_what_is_copied_is_there(self):
        text = (_DEPLOY / "Dockerfile").read_text("utf-8")
        copied = [
            name
            for names in re.findall(r"^COPY (.*) \S+$", text, re.M)
            for name in names.split()
        ]
        self.assertIn("setup.cfg", copied)
        for name in copied:
            self.assertTrue((_DEPLOY.parent / name).exists(), name)


class RayTest(absltest.TestCase):
    @unittest.skipUnless(importlib.util.find_spec("ray"), "needs Ray's schema")
    def test_is_what_ray_takes(self):
        ray = importlib.util.find_spec("ray").submodule_search_locations[0]
        path = pathlib.Path(ray, "autoscaler", "ray-schema.json")
        schema = json.loads(path.read_text("utf-8"))
        text = (_DEPLOY / "ray_cluster.yaml").read_text("utf-8")
        validator = jsonschema.Draft7Validator(schema)
        errors = validator.iter_errors(yaml.safe_load(text))
        self.assertEmpty([error.message for error in errors])


if __name__ == "__main__":
    absltest.main()
