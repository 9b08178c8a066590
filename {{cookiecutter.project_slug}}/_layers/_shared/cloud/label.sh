#!/bin/sh
# label.sh IMAGE: print the label for what the image's `describe` prints, as docker build's --label takes it. Without a
# declaration, or where this machine cannot run the image, it prints none, and a line on stderr says why.
set -u
words=$(mktemp)
trap 'rm -f "$words"' EXIT
if description=$(docker run --rm --network none "$1" describe 2>"$words"); then
	printf 'sm-algo.describe=%s' "$description"
else
	echo "$1 gets no label of what it declares: $(tail -n 1 "$words")" >&2
fi
