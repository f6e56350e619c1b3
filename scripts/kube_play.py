"""Prepares rendered manifests for `podman kube play` 4.3: kube_play.py MANIFESTS FOLDER [VARIABLE=VALUE…]

Writes for each Deployment and Job <name>.yaml, and for its readiness, liveness and startup probe <name>.<probe>, a command that does what
the kubelet would: `$ip` is the address of the pod and `$container` its container. Volumes become folders with the files of their Secrets.
Variables of ConfigMaps can be replaced.
"""

import base64
import os
import pathlib
import shlex
import sys

import yaml


def secret_files(volume, secrets):
    """Files of a volume by name; none if it is not of Secrets."""
    sources = [source["secret"] for source in volume.get("projected", {}).get("sources", [])]
    if "secret" in volume:
        sources.append({"name": volume["secret"]["secretName"]})
    files = {}
    for source in sources:
        data = secrets[source["name"]]
        items = source.get("items") or [{"key": key, "path": key} for key in data]
        files |= {item["path"]: base64.b64decode(data[item["key"]]) for item in items}
    return files


def write_volume(folder, files, pod, mode):
    """Makes the folder of a volume, which belongs to the group of the pod as the kubelet would have it."""
    folder.mkdir(parents=True, exist_ok=True)
    group = pod["securityContext"]["fsGroup"]
    os.chown(folder, 0, group)
    folder.chmod(0o2775)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        os.chown(folder / name, 0, group)
        (folder / name).chmod(mode)


def command(probe, ports):
    """The shell command of a probe."""
    timeout = probe.get("timeoutSeconds", 1)
    port = lambda action: ports.get(action["port"], action["port"])
    if "httpGet" in probe:
        action = probe["httpGet"]
        return f'curl -fs -o /dev/null --max-time {timeout} "http://$ip:{port(action)}{action["path"]}"'
    if "grpc" in probe:
        # An empty HealthCheckRequest; the reply SERVING is field 1 with the value 1.
        return (
            f"printf '\\0\\0\\0\\0\\0' | curl -s --max-time {timeout} --http2-prior-knowledge -H 'content-type: application/grpc' -H 'te: trailers'"
            f' --data-binary @- "http://$ip:{probe["grpc"]["port"]}/grpc.health.v1.Health/Check" | od -An -tx1 | grep -q "08 01"'
        )
    if "tcpSocket" in probe:
        return f'timeout {timeout} bash -c "</dev/tcp/$ip/{port(probe["tcpSocket"])}" 2>/dev/null'
    return f'timeout {timeout + 5} podman exec "$container" {shlex.join(probe["exec"]["command"])} >/dev/null'


def prepare(workload, objects, secrets, folder, variables):
    name, pod = workload["metadata"]["name"], workload["spec"]["template"]["spec"]
    documents = []
    for container in pod["containers"]:
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for kind in "readiness", "liveness", "startup":
            if probe := container.pop(f"{kind}Probe", None):
                (folder / f"{name}.{kind}").write_text(command(probe, ports) + "\n")
        # It would publish every port on the host.
        container.pop("ports", None)
        for source in container.get("envFrom", []):
            config = objects["ConfigMap", source["configMapRef"]["name"]]
            config["data"] |= {key: value for key, value in variables.items() if key in config["data"]}
            documents.append(config)
    for volume in pod.get("volumes", []):
        source = volume.get("projected") or volume.get("secret") or {}
        path = folder / "volumes" / f"{name}-{volume['name']}"
        write_volume(path, secret_files(volume, secrets), pod, source.get("defaultMode", 0o644))
        replaced = {"name": volume["name"], "hostPath": {"path": str(path.resolve()), "type": "Directory"}}
        volume.clear()
        volume.update(replaced)
    workload["spec"].setdefault("replicas", 1)
    if workload["kind"] == "Job":
        # It plays no Jobs.
        pod["restartPolicy"] = "Never"
        workload = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump_all([*documents, workload]))


def main():
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(exist_ok=True)
    variables = dict(pair.split("=", 1) for pair in sys.argv[3:])
    documents = [d for d in yaml.safe_load_all(pathlib.Path(sys.argv[1]).read_text()) if d]
    objects = {(d["kind"], d["metadata"]["name"]): d for d in documents}
    secrets = {name: d["data"] for (kind, name), d in objects.items() if kind == "Secret"}
    for (kind, _), workload in objects.items():
        if kind in ("Deployment", "Job"):
            prepare(workload, objects, secrets, folder, variables)


main()
