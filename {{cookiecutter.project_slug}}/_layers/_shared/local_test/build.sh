#!/usr/bin/env bash
# Builds an image, and shows the output only if a step is not in the cache, or fails:
# local_test/build.sh docker build ...
# The lines of a build that has nothing to do are known here, in the words of BuildKit and of the classic builder. After
# the first unknown line everything is shown, so that another or a newer builder shows too much, never too little.
set -euo pipefail

end="$0: exit status"
held="$*"$'\n' # what was printed so far; empty once it is shown
steps=" "      # BuildKit: the numbers of the steps, each of which is either CACHED or DONE
cached=        # classic builder: whether the step's layer was there

# known LINE: whether a build that has nothing to do prints this line.
known() {
	case $1 in
	'#'*' [internal] '* | '#'*' [auth] '* | '#'*'] FROM '*) ;;
	'#'*' ['*/*'] '*) steps+="${1%% *} " ;;
	'#'*' DONE '*) [[ $steps != *" ${1%% *} "* ]] ;;
	'#'*' CACHED' | '#0 '* | '') ;;
	'#'*' transferring '* | '#'*' resolve '* | '#'*' exporting '* | '#'*' writing image '* | '#'*' naming to '*) ;;
	'#'*' unpacking to '*) ;;
	'#'*' sha256:'*' '*) false ;; # a base image that is pulled
	'#'*' sha256:'*) ;;
	'Step '*' : FROM '*) cached=yes ;;
	'Step '*' : '*) cached= ;;
	' ---> Using cache') cached=yes ;;
	' ---> '[0-9a-f]*) [[ -n $cached ]] ;;
	'Sending build context '* | 'Successfully '*) ;;
	'DEPRECATED: The legacy builder '* | '            '*) ;;
	*) false ;;
	esac
}

show() {
	printf '%s' "$held"
	held=
}

{
	status=0
	"$@" 2>&1 || status=$?
	echo "$end $status"
} | while IFS= read -r line; do
	if [[ $line == "$end "* ]]; then
		if [[ ${line##* } != 0 ]]; then
			show
		elif [[ -n $held ]]; then
			echo "nothing to build: every step of the image is in Docker's cache"
		fi
		exit "${line##* }"
	elif [[ -z $held ]]; then
		printf '%s\n' "$line"
	else
		held+=$line$'\n'
		known "$line" || show
	fi
done
