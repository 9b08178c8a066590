#!/usr/bin/env bash
# Serves the model that train_local.sh left, on port 8080 until Ctrl-C: local_test/serve_local.sh IMAGE
set -euo pipefail

image=${1:?"usage: local_test/serve_local.sh IMAGE"}
cd "$(dirname "$0")/.."
python=local_test/.venv/bin/python
if [[ ! -x $python ]]; then python=python3; fi
exec "$python" -m local_test serve --engine docker --image "$image"
