#!/usr/bin/env bash
# Trains an image on the sample, as AWS's sample project does: local_test/train_local.sh IMAGE
# The model is left in local_test/output/model.
set -euo pipefail

image=${1:?"usage: local_test/train_local.sh IMAGE"}
cd "$(dirname "$0")/.."
python=local_test/.venv/bin/python
if [[ ! -x $python ]]; then python=python3; fi
exec "$python" -m local_test train --engine docker --image "$image"
