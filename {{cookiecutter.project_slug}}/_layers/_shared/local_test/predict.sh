#!/usr/bin/env bash
# Sends a file to the server of serve_local.sh: local_test/predict.sh [PAYLOAD [CONTENT_TYPE]]
# Without a file it sends the sample's first request.
set -euo pipefail

if [[ -n ${1-} ]]; then
	payload=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
	set -- "$payload" "${@:2}"
fi
cd "$(dirname "$0")/.."
python=local_test/.venv/bin/python
if [[ ! -x $python ]]; then python=python3; fi
exec "$python" -m local_test predict "$@"
