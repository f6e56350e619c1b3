"""Checks the rendered manifests of a folder against each other.

Writes the queries of AnalysisTemplates to <folder>/analysis.rules for promtool. With --typescript prints the objects of operators as
TypeScript instead, whose compiler finds unknown fields and wrong values by the published types.
"""

import json
import pathlib
import re
import sys

import yaml

PROCESS = "app.kubernetes.io/name"
TYPES = {
    "argoproj.io/v1alpha1": "argo-rollouts/argoproj.io/v1alpha1",
    "cert-manager.io/v1": "cert-manager/cert-manager.io/v1",
    # Of the release before, whose fields v1 has too.
    "external-secrets.io/v1": "external-secrets/external-secrets.io/v1beta1",
    "gateway.networking.k8s.io/v1": "gateway-api/gateway.networking.k8s.io/v1",
    "monitoring.coreos.com/v1": "prometheus-operator/monitoring.coreos.com/v1",
}


class Overlay:
    """The objects of one rendered overlay, and what is wrong with them."""

    def __init__(self, path):
        self.name = path.stem
        self.objects = [o for o in yaml.safe_load_all(path.read_text()) if o]
        self.by_name = {(o["kind"], o["metadata"]["name"]): o for o in self.objects}
        self.problems = []

    def of(self, *kinds):
        return [o for o in self.objects if o["kind"] in kinds]

    def expect(self, holds, problem):
        if not holds:
            self.problems.append(f"{self.name}: {problem}")

    def exists(self, kind, name, user):
        self.expect((kind, name) in self.by_name, f"{user} names the {kind} {name}, which does not exist")

    def check(self):
        for workload in self.of("Deployment", "Job"):
            self.check_workload(workload)
        self.check_references()
        self.check_policies()

    def check_workload(self, workload):
        name, pod = workload["metadata"]["name"], workload["spec"]["template"]["spec"]
        if "serviceAccountName" in pod:
            self.exists("ServiceAccount", pod["serviceAccountName"], name)
        files = self.mounted_files(pod)
        for container in pod["containers"]:
            env = self.environment(container, name)
            for variable, value in env.items():
                if value.startswith("/run/secrets/"):
                    known = value in files or any(value.startswith(f"{folder}/") for folder in files if files[folder] is None)
                    self.expect(known, f"{name}: {variable} names {value}, which no volume has")
            delay = [int(v) for k, v in env.items() if k.endswith("__SERVER__DRAIN_DELAY_MS")]
            if delay and workload["kind"] == "Deployment":
                # server.drain_timeout_ms is 20 s by default.
                shortest = delay[0] / 1000 + 20
                self.expect(pod["terminationGracePeriodSeconds"] > shortest, f"{name} is killed before it has drained")

    def environment(self, container, user):
        env = {e["name"]: e["value"] for e in container.get("env", [])}
        for source in container.get("envFrom", []):
            config = source["configMapRef"]["name"]
            self.exists("ConfigMap", config, user)
            env |= self.by_name.get(("ConfigMap", config), {}).get("data", {})
        return env

    def mounted_files(self, pod):
        """Files of secrets by path. A folder whose Secret is not described here is a path without a value."""
        volumes = {v["name"]: v for v in pod.get("volumes", [])}
        files = {}
        for container in pod["containers"]:
            for mount in container.get("volumeMounts", []):
                volume = volumes[mount["name"]]
                sources = [s["secret"] for s in volume.get("projected", {}).get("sources", [])]
                sources += [{"name": volume["secret"]["secretName"]}] if "secret" in volume else []
                for source in sources:
                    items = source.get("items") or self.secret_items(source["name"])
                    for item in items or []:
                        files[f"{mount['mountPath']}/{item['path']}"] = source["name"]
                    if items is None:
                        files[mount["mountPath"]] = None
                    elif self.of("ExternalSecret"):
                        self.check_items(source["name"], items)
        return files

    def secret_items(self, name):
        external = self.by_name.get(("ExternalSecret", name))
        return external and [{"key": d["secretKey"], "path": d["secretKey"]} for d in external["spec"]["data"]]

    def check_items(self, secret, items):
        made = {i["key"] for i in self.secret_items(secret) or []}
        if any(c["spec"]["secretName"] == secret for c in self.of("Certificate")):
            made |= {"ca.crt", "tls.crt", "tls.key"}
        for item in items:
            self.expect(item["key"] in made, f"the Secret {secret} has no key {item['key']}")

    def check_references(self):
        for scaler in self.of("HorizontalPodAutoscaler"):
            target = scaler["spec"]["scaleTargetRef"]
            self.exists(target["kind"], target["name"], f"the autoscaler {scaler['metadata']['name']}")
        for rollout in self.of("Rollout"):
            strategy = rollout["spec"]["strategy"]["blueGreen"]
            self.exists("Deployment", rollout["spec"]["workloadRef"]["name"], "a Rollout")
            for service in strategy["activeService"], strategy["previewService"]:
                self.exists("Service", service, "a Rollout")
            for template in strategy["postPromotionAnalysis"]["templates"]:
                self.exists("AnalysisTemplate", template["templateName"], "a Rollout")
        for route in self.of("HTTPRoute"):
            for backend in [b for rule in route["spec"]["rules"] for b in rule.get("backendRefs", [])]:
                self.exists("Service", backend["name"], "a route")
                self.expect(backend["port"] in self.ports(backend["name"]), f"no port {backend['port']} of {backend['name']}")
        labels = [w["spec"]["template"]["metadata"]["labels"].items() for w in self.of("Deployment", "Job")]
        for chooser in self.of("Service", "PodDisruptionBudget", "NetworkPolicy", "PodMonitor"):
            spec = chooser["spec"]
            selector = spec.get("selector") if chooser["kind"] == "Service" else (spec.get("selector") or spec["podSelector"]).get("matchLabels", {})
            chosen = any(selector.items() <= pod for pod in labels)
            self.expect(chosen, f"the {chooser['kind']} {chooser['metadata']['name']} selects no pod")
        for secret in self.of("ExternalSecret"):
            for data in secret["spec"]["data"]:
                parameter = data["remoteRef"]["key"]
                name = re.sub("[/_]", "-", parameter.removeprefix(secret["metadata"]["name"] + "/"))
                self.expect(data["secretKey"] == name, f"the parameter {parameter} should be the file {name}")

    def ports(self, service):
        return {p["port"] for p in self.by_name.get(("Service", service), {"spec": {"ports": []}})["spec"]["ports"]}

    def check_policies(self):
        """The edges between processes that policies allow are those that the configuration names."""
        called = set()
        for workload in self.of("Deployment", "Job"):
            caller = workload["spec"]["template"]["metadata"]["labels"][PROCESS]
            for container in workload["spec"]["template"]["spec"]["containers"]:
                for variable, value in self.environment(container, caller).items():
                    if variable.endswith("__URI"):
                        host, port = re.fullmatch(r"https://(\w+):(\d+)", value).groups()
                        self.expect(int(port) in self.ports(host), f"{caller}: {variable} is {value}, a port that {host} has not")
                        called.add((caller, host, int(port)))
        processes = {edge[1] for edge in called} | {edge[0] for edge in called}
        in_mesh = lambda edges: {e for e in edges if e[0] in processes and e[1] in processes}
        for direction, allowed in ("egress", self.allowed("egress")), ("ingress", self.allowed("ingress")):
            for edge in sorted(called ^ in_mesh(allowed)):
                self.problems.append(f"{self.name}: {direction} {edge} is {'not allowed' if edge in called else 'allowed and not configured'}")
        everything = self.by_name[("NetworkPolicy", "nothing-else")]["spec"]
        self.expect(everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, "traffic is not denied by default")

    def allowed(self, direction):
        for policy in self.of("NetworkPolicy"):
            own = names(policy["spec"]["podSelector"])
            for rule in policy["spec"].get(direction, []):
                others = [n for peer in rule["to" if direction == "egress" else "from"] for n in names(peer.get("podSelector", {}))]
                for port in rule.get("ports", []):
                    for pair in [(a, b) for a in own for b in others]:
                        yield (*(pair if direction == "egress" else reversed(pair)), port["port"])

    def queries(self):
        for template in self.of("AnalysisTemplate"):
            for metric in template["spec"]["metrics"]:
                query = metric["provider"]["prometheus"]["query"].replace("{{args.rpc}}", "rpc[.].+")
                yield {"record": "analysis:" + metric["name"].replace("-", "_"), "expr": query}

    def typescript(self):
        for index, thing in enumerate(o for o in self.objects if o["apiVersion"] in TYPES):
            kind, module = thing["kind"], TYPES[thing["apiVersion"]]
            checked = thing | {"apiVersion": "/".join(module.split("/")[1:])}
            name = f"{kind}_{self.name.replace('-', '_')}_{index}"
            yield f'import type {{ I{kind} as {name} }} from "@kubernetes-models/{module}/{kind}";'
            yield f"export const a_{name}: {name} = {json.dumps(checked)};"


def names(selector):
    """Processes that a selector chooses by their names."""
    by_label = selector.get("matchLabels", {}).get(PROCESS)
    listed = [v for e in selector.get("matchExpressions", []) if e["key"] == PROCESS for v in e["values"]]
    return ([by_label] if by_label else []) + listed


def main():
    folder = pathlib.Path(sys.argv[1])
    overlays = [Overlay(path) for path in sorted(folder.glob("*.yaml"))]
    if "--typescript" in sys.argv:
        print("\n".join(line for overlay in overlays for line in overlay.typescript()))
        return
    for overlay in overlays:
        overlay.check()
    rules = [rule for overlay in overlays for rule in overlay.queries()]
    (folder / "analysis.rules").write_text(yaml.safe_dump({"groups": [{"name": "analysis", "rules": rules}]}))
    problems = [problem for overlay in overlays for problem in overlay.problems]
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    sys.exit(bool(problems))


main()
