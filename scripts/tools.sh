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
