#!/bin/sh
# Installs the modules that the tests here run but that are not kept, and the AssemblyScript compiler: exactly the versions
# and contents that testdata names. No package's own scripts are run.
set -eu
cd "$(dirname "$0")/testdata"
npm ci --ignore-scripts --omit=peer --no-audit --no-fund --silent
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --only-binary :all: --require-hashes --upgrade --target python -r requirements.txt
