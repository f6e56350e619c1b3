"""Evaluates the Tiltfile with functions that record their calls instead of those of Tilt, and compares the calls with the rendered overlay.

lint_tiltfile.py MANIFESTS. Functions that Tilt does not have, resources, images and source folders that do not exist are errors.
"""

import os
import pathlib
import sys

import starlark
import yaml


def evaluate(text, manifests):
    """Returns the calls of each function as (arguments, named arguments)."""
    calls = {}
    module = starlark.Module()

    def function(name, result=lambda *arguments, **named: None):
        def record(*arguments, **named):
            calls.setdefault(name, []).append((arguments, named))
            return result(*arguments, **named)

        module.add_callable(name, record)

    for name in "docker_build", "k8s_resource", "k8s_yaml", "local_resource", "watch_file":
        function(name)
    function("link", lambda url, name: [url, name])
    function("local", lambda command, quiet=False: manifests if "kubectl kustomize" in command else "")
    function("decode_yaml_stream", lambda text: [d for d in yaml.safe_load_all(text) if d])
    function("encode_yaml_stream", lambda documents: yaml.safe_dump_all(documents))
    function("os_getenv", os.environ.get)
    dialect = starlark.Dialect.extended()
    # As in Tilt: `for` and `if` outside of functions.
    dialect.enable_top_level_stmt = True
    syntax = starlark.parse("Tiltfile", text.replace("os.getenv(", "os_getenv("), dialect=dialect)
    starlark.eval(module, syntax, starlark.Globals.standard())
    return calls


def main():
    manifests = pathlib.Path(sys.argv[1]).read_text()
    calls = evaluate(pathlib.Path("Tiltfile").read_text(), manifests)
    played = [d for (text,), _ in calls["k8s_yaml"] for d in yaml.safe_load_all(text) if d]
    workloads = [d for d in played if d["kind"] in ("Deployment", "Job")]
    names = {d["metadata"]["name"] for d in workloads}
    images = {c["image"] for d in workloads for c in d["spec"]["template"]["spec"]["containers"]}
    built = {image for (image, _), _ in calls["docker_build"]}
    local = {name for (name, _), _ in calls["local_resource"]}
    configured = {name for (name,), _ in calls["k8s_resource"]}

    problems = [f"no resource {name} in the manifests" for name in configured - names]
    problems += [f"{name} of the manifests has no resource" for name in names - configured]
    problems += [f"nothing builds the image {image}" for image in images - built if not image.startswith("docker.io/")]
    problems += [f"no container has the image {image}" for image in built - images]
    for _, named in calls["k8s_resource"]:
        problems += [f"no resource {name}" for name in named.get("resource_deps", []) if name not in names | local]
    for _, named in calls["local_resource"]:
        problems += [f"{path} does not exist" for path in named["deps"] if not pathlib.Path(path).exists()]
    for problem in problems:
        print(f"Tiltfile: {problem}", file=sys.stderr)
    sys.exit(bool(problems))


main()
