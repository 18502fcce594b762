#!/bin/sh
# Runs schemathesis with all checks against a document that a server serves.
# Usage: schemathesis.sh URL_OF_DOCUMENT [OPTION...]; the options go to `schemathesis run`.
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
document=$1
shift
# What it writes down for later runs goes where nothing is kept.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
schemathesis --config-file "$here/schemathesis.toml" run "$document" --checks all "$@"
