#!/usr/bin/env bash
# Makes sure that the base images the Dockerfiles name are at hand.
#
# Where the registry can be reached the real image is pulled; on a machine that
# cannot, a stand-in is made from Debian's packages under the very same name, so
# that the Dockerfiles are tested unchanged.
set -euo pipefail

PYTHON_IMAGE=public.ecr.aws/docker/library/python:3.13-slim-trixie
DEBIAN_IMAGE=public.ecr.aws/docker/library/debian:trixie-slim
IMAGE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# stand_in TAG PACKAGES: import a minimal Debian trixie with PACKAGES as TAG.
stand_in() {
	local tag=$1 packages=$2 root
	root=$(mktemp -d)
	debootstrap --variant=minbase --include="ca-certificates,$packages" trixie "$root" >"$root.log" 2>&1 ||
		{ tail -n 20 "$root.log" >&2 && return 1; }

	# What this machine needs to reach its package indexes, the image needs too.
	if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
		cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
		chroot "$root" update-ca-certificates >/dev/null 2>&1
	fi
	if [[ -f /etc/pip.conf ]]; then cp /etc/pip.conf "$root/etc/pip.conf"; fi

	# The official Python images keep a Python of their own in /usr/local, apart from Debian's packages.
	if [[ -e $root/usr/bin/python3 ]]; then chroot "$root" python3 -m venv /usr/local; fi
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
	stand_in "$1" "$2"
}

provide "$PYTHON_IMAGE" python3,python3-venv
provide "$DEBIAN_IMAGE" apt
