#!/bin/sh
# Runs schemathesis with all checks: requests that a machine makes of an OpenAPI document.
# Usage: schemathesis.sh SETTINGS DOCUMENT [OPTION...]: a file beside this one, a URL or an absolute path, and options
# of `schemathesis run`.
# If there is no program of this name, a fixed version of it is installed below target/.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=4.32.5
if ! command -v schemathesis >/dev/null; then
    tools="${CARGO_TARGET_DIR:-$here/../../../../target}/tools/schemathesis-$version"
    if [ ! -x "$tools/bin/schemathesis" ]; then
        python3 -m venv "$tools"
        "$tools/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
    fi
    PATH="$tools/bin:$PATH"
fi
settings=$1
document=$2
shift 2
# What it writes down for later runs goes where nothing is kept.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
schemathesis --config-file "$here/$settings" run "$document" --checks all "$@"
