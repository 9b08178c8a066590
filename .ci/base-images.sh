#!/usr/bin/env bash
# Makes sure that the base images the Dockerfiles name are at hand.
#
# Where the registry can be reached the real image is pulled; on a machine that
# cannot, a stand-in is made from Debian's packages under the very same name, so
# that the Dockerfiles are tested unchanged. Where PyTorch's own index cannot be reached there is a third, see below.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON_IMAGE=public.ecr.aws/docker/library/python:3.13-slim-trixie
DEBIAN_IMAGE=public.ecr.aws/docker/library/debian:trixie-slim
TORCH_IMAGE=sm-algo-test-torch # tests/conftest.py names it too
TORCH_PACKAGES="{{cookiecutter.project_slug}}/_layers/python/_torch/requirements-cpu.txt"
IMAGE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# stand_in TAG SUITE PACKAGES [WHEELS]: import a minimal Debian SUITE with PACKAGES as TAG. Its pip finds the WHEELS in
# a folder of this machine, and does not wait long for an index that cannot be reached.
stand_in() {
	local tag=$1 suite=$2 packages=$3 wheels=${4:-} root
	root=$(mktemp -d)
	debootstrap --variant=minbase --include="ca-certificates,$packages" "$suite" "$root" >"$root.log" 2>&1 ||
		{ tail -n 20 "$root.log" >&2 && return 1; }

	# What this machine needs to reach its package indexes, the image needs too.
	if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
		cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
		chroot "$root" update-ca-certificates >/dev/null 2>&1
	fi
	if [[ -f /etc/pip.conf ]]; then cp /etc/pip.conf "$root/etc/pip.conf"; fi

	# The official Python images keep a Python of their own in /usr/local, apart from Debian's packages.
	if [[ -e $root/usr/bin/python3 ]]; then chroot "$root" python3 -m venv /usr/local; fi
	if [[ -n $wheels ]]; then
		cp -r "$wheels" "$root/wheels"
		chroot "$root" /usr/local/bin/pip --quiet config --global set global.find-links /wheels
		chroot "$root" /usr/local/bin/pip --quiet config --global set global.retries 1
	fi
	rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
	tar -C "$root" --exclude=./proc/* --exclude=./sys/* -c . |
		docker import --change "ENV PATH=$IMAGE_PATH" --change 'CMD ["bash"]' - "$tag" >/dev/null
	rm -rf "$root" "$root.log"
	echo "made a stand-in for $tag"
}

# provide TAG PACKAGES: have TAG locally, pulled or as a stand-in.
provide() {
	if docker image inspect "$1" >/dev/null 2>&1; then return; fi
	if timeout 120 docker pull "$1" >/dev/null 2>&1; then
		echo "pulled $1"
		return
	fi
	stand_in "$1" trixie "$2"
}

# PyTorch comes from an index of its own. Where that cannot be reached, but pip is configured to find a wheel of it for
# Python 3.11 elsewhere, make an image that has this Python and this wheel, on which the tests build theirs.
provide_torch() {
	local index folder
	index=$(sed -n 's/^--extra-index-url //p' "$TORCH_PACKAGES")
	if docker image inspect "$TORCH_IMAGE" >/dev/null 2>&1; then return; fi
	if python3 -c 'import sys, urllib.request as request; request.urlopen(sys.argv[1], timeout=20)' "$index/torch/" \
		2>/dev/null; then return; fi
	folder=$(mktemp -d)
	python3 -m venv "$folder/venv"
	if "$folder/venv/bin/pip" --quiet download --no-index --no-deps --only-binary :all: --python-version 3.11 \
		--dest "$folder/wheels" "$(grep -o '^torch==.*+cpu' "$TORCH_PACKAGES")"; then
		stand_in "$TORCH_IMAGE" bookworm python3,python3-venv "$folder/wheels"
	else
		echo "$index cannot be reached, and pip knows of no wheel elsewhere: PyTorch cannot be tested here" >&2
	fi
	rm -rf "$folder"
}

provide "$PYTHON_IMAGE" python3,python3-venv
provide "$DEBIAN_IMAGE" apt
provide_torch
