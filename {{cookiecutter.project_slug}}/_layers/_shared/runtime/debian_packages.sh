#!/bin/sh
# debian_packages.sh FILE: print the Debian packages that a file of the user's names, one on each line; what follows a #
# is a comment. Anything else than a name ends the build here, in a sentence: apt-get would take it for an option, or
# for another package.
set -eu
[ -f "$1" ] || exit 0 # a project that was made before there was such a file
awk -v file="${1##*/}" '
	{ sub(/#.*/, ""); sub(/^[ \t]+/, ""); sub(/[ \t\r]+$/, "") }
	$0 == "" { next }
	$0 !~ /^[a-z0-9][a-z0-9.+-]+$/ {
		advice = "write names alone, one on each line, such as libgomp1"
		print file ": \"" $0 "\" is not the name of a Debian package: " advice >"/dev/stderr"
		exit 1
	}
	{ print }
' "$1"
