#!/usr/bin/env python3
"""What deploy/ asks of a cluster hangs together, and `engine serve` takes the arguments it is given there:
manifests_test.py ENGINE WRITE_TINY_MODELS DEPLOY. The Helm chart is rendered by `helm`, and the systemd unit read by
`systemd-analyze`, where these are."""

import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import yaml

import server_process

ENGINE, WRITE_TINY_MODELS, DEPLOY = sys.argv.pop(1), sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
HELM, SYSTEMD = shutil.which("helm"), shutil.which("systemd-analyze")
FULL = """
models: {existingClaim: weights}
apiKeys: {existingSecret: secret}
ingress: {enabled: true, tlsSecret: tls}
autoscaling: {enabled: true}
podMonitor: {enabled: true, labels: {release: prometheus}}
podAnnotations: {a: b}
imagePullSecrets: [{name: pull}]
nodeSelector: {disk: fast}
tolerations: [{key: k, operator: Exists}]
affinity: {podAntiAffinity: {}}
service: {annotations: {c: d}}
"""


def rendered(values="", release="chat"):
    text = subprocess.run([HELM, "template", release, DEPLOY / "helm/engine", "--values", "-"], input=values, text=True,
                          check=True, capture_output=True).stdout
    return list(yaml.safe_load_all(text))


def service_links(objects):
    """What a kubelet tells each container of the services in its namespace, unless the pod does not want to know."""
    if not one(objects, "Deployment")["spec"]["template"]["spec"].get("enableServiceLinks", True):
        return {}
    name = one(objects, "Service")["metadata"]["name"].upper().replace("-", "_")
    return {f"{name}_SERVICE_HOST": "10.0.0.7", f"{name}_SERVICE_PORT": "80", f"{name}_PORT": "tcp://10.0.0.7:80"}


def read(path):
    return list(yaml.safe_load_all(path.read_text()))


def one(objects, kind):
    found = [thing for thing in objects if thing["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


class ManifestsTest(unittest.TestCase):
    def check(self, objects):
        """That names, labels, ports and volumes meet."""
        for thing in objects:
            self.assertLessEqual({"apiVersion", "kind", "metadata"}, set(thing))
        spec = one(objects, "Deployment")["spec"]
        pod, labels = spec["template"]["spec"], spec["template"]["metadata"]["labels"]
        self.assertLessEqual(spec["selector"]["matchLabels"].items(), labels.items())
        service = one(objects, "Service")["spec"]
        self.assertLessEqual(service["selector"].items(), labels.items())
        container = pod["containers"][0]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        self.assertIn(service["ports"][0]["targetPort"], ports)
        self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, {v["name"] for v in pod["volumes"]})
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            self.assertIn(container[probe]["httpGet"]["port"], ports)
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        return spec

    def start(self, container, folder, environment):
        """A server with a container's arguments; what is mounted there lies in `folder`."""
        arguments = [a.replace("/models/", f"{folder}/").replace("/etc/engine/", f"{folder}/") for a in container["args"]]
        # By a file, which the environment beats. The tiny model knows short contexts only.
        (pathlib.Path(folder) / "here.yaml").write_text("host: 127.0.0.1\nport: 0\nthreads: 1\n")
        arguments += ["--max-model-len", "128", "--config", f"{folder}/here.yaml"]
        server = server_process.Process(ENGINE, *arguments, listen=(), **environment)
        self.addCleanup(server.end, signal.SIGKILL)
        return server.wait_until_ready()

    def check_start(self, objects):
        container = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        self.addCleanup(folder.cleanup)
        (pathlib.Path(folder.name) / "keys").write_text("one\ntwo\n")
        pathlib.Path(model).rename(pathlib.Path(folder.name) / "model.gguf")
        server = self.start(container, folder.name, service_links(objects))
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            self.assertEqual(server.get(container[probe]["httpGet"]["path"])[0], 200)
        self.assertEqual(server.get("/v1/models")[0], 401)
        self.assertEqual(server.get("/v1/models", Authorization="Bearer two")[0], 200)
        self.assertNotIn("/readyz", server.log)
        self.assertEqual(server.end(), 0)

    def test_the_plain_manifests_hang_together_and_start(self):
        objects = read(DEPLOY / "kubernetes.yaml")
        pod = self.check(objects)["template"]["spec"]
        self.assertEqual(pod["volumes"][1]["secret"]["secretName"], one(objects, "Secret")["metadata"]["name"])
        self.check_grace(pod)
        self.check_start(objects)

    def check_grace(self, pod):
        container = pod["containers"][0]
        shutdown = next(int(a.split("=")[1]) for a in container["args"] if a.startswith("--shutdown-timeout="))
        wait = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
        self.assertGreater(pod["terminationGracePeriodSeconds"], shutdown + wait)


@unittest.skipIf(HELM is None, "there is no helm in the PATH")
class ChartTest(ManifestsTest):
    def test_the_plain_manifests_hang_together_and_start(self):
        objects = rendered("apiKeys: {keys: [one, two]}", release="engine")
        spec = self.check(objects)
        secret = one(objects, "Secret")
        self.assertEqual(secret["stringData"]["keys"].split(), ["one", "two"])
        volumes = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}
        self.assertEqual(volumes["keys"]["secret"]["secretName"], secret["metadata"]["name"])
        self.assertEqual(volumes["models"]["persistentVolumeClaim"]["claimName"],
                         one(objects, "PersistentVolumeClaim")["metadata"]["name"])
        self.assertEqual(spec["replicas"], 1)
        self.check_grace(spec["template"]["spec"])
        self.check_start(objects)

    def test_nothing_is_made_that_is_not_asked_for(self):
        kinds = [thing["kind"] for thing in rendered()]
        self.assertEqual(sorted(kinds), ["Deployment", "PersistentVolumeClaim", "Service"])

    def test_everything_can_be_asked_for_at_once(self):
        objects = rendered(FULL)
        spec = self.check(objects)
        pod, name = spec["template"]["spec"], one(objects, "Deployment")["metadata"]["name"]
        self.assertNotIn("replicas", spec)  # the autoscaler's
        self.assertEqual(sorted(thing["kind"] for thing in objects),
                         ["Deployment", "HorizontalPodAutoscaler", "Ingress", "PodMonitor", "Service"])
        self.assertEqual([v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"][:1]], ["weights"])
        self.assertEqual(pod["volumes"][1]["secret"]["secretName"], "secret")
        scaler = one(objects, "HorizontalPodAutoscaler")["spec"]
        self.assertEqual(scaler["scaleTargetRef"]["name"], name)
        self.assertEqual(scaler["metrics"][0]["pods"]["metric"]["name"], "engine_requests_waiting")
        path = one(objects, "Ingress")["spec"]["rules"][0]["http"]["paths"][0]
        self.assertEqual(path["backend"]["service"]["name"], one(objects, "Service")["metadata"]["name"])
        monitor = one(objects, "PodMonitor")
        self.assertEqual(monitor["metadata"]["labels"]["release"], "prometheus")
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(),
                             spec["template"]["metadata"]["labels"].items())
        self.assertNotIn("prometheus.io/scrape", spec["template"]["metadata"]["annotations"])


class UnitTest(unittest.TestCase):
    UNIT = (DEPLOY / "engine.service").read_text()

    def test_the_example_of_its_file_starts_a_server(self):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        self.addCleanup(folder.cleanup)
        places = {"/srv/models/model.gguf": model, "/etc/engine/keys": f"{folder.name}/keys"}
        example = "".join(line[4:] for line in self.UNIT.splitlines(True) if line.startswith("#   "))
        for place, there in places.items():
            self.assertIn(place, example)
            example = example.replace(place, there)
        (pathlib.Path(folder.name) / "keys").write_text("one\n")
        (pathlib.Path(folder.name) / "serve.yaml").write_text(example)
        server = server_process.Process(ENGINE, "--config", f"{folder.name}/serve.yaml", "--threads", "1")
        self.addCleanup(server.end, signal.SIGKILL)
        server.wait_until_ready()
        self.assertEqual(server.get("/v1/models")[0], 401)
        self.assertEqual(server.get("/v1/models", Authorization="Bearer one")[0], 200)

    @unittest.skipIf(SYSTEMD is None, "there is no systemd-analyze in the PATH")
    def test_systemd_has_nothing_to_say_against_it(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder) / "engine.service"
            unit.write_text(self.UNIT.replace("/usr/local/bin/engine", str(pathlib.Path(ENGINE).resolve())))
            said = subprocess.run([SYSTEMD, "verify", unit], check=True, capture_output=True, text=True)
        self.assertEqual(said.stderr, "")


if __name__ == "__main__":
    unittest.main()
