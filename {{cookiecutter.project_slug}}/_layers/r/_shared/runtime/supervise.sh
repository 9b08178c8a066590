# shellcheck shell=sh
# Sourced by `train` and `serve`. They are the container's first process, which must handle signals itself or they are
# ignored, and R cannot. So a shell comes first and R is its child.
# shellcheck disable=SC2154 # `runtime` is the folder, set by whoever sources this

# need PROGRAM HOW: end with a sentence where a program is not installed.
need() {
	if ! command -v "$1" >/dev/null; then
		echo "$1 is not installed: $2; or run in the container, where it is" >&2
		exit 1
	fi
}

need Rscript "apt-get install r-base-core (Debian, Ubuntu) or https://cran.r-project.org"

# What the programs tell each other, and their scratch files.
run=$(mktemp -d "${TMPDIR:-/tmp}/run-XXXXXX") || exit 1
trap end EXIT
r=

# start_r WORD: start main.R with WORD, and see to it that nothing outlives this shell, however it ends.
start_r() {
	mkfifo "$run/alive" || exit 1
	RUN_FOLDER=$run SHELL_PID=$$ TMPDIR=$run Rscript "$runtime/main.R" "$1" &
	r=$!
	# The pipe is open for writing as long as this shell lives: reading ends when it dies, of SIGKILL too.
	{
		trap - EXIT
		read -r _ <"$run/alive"
		end
	} &
	exec 3>"$run/alive"
}

# await_r: wait for R to end, through signals that only interrupt the wait, and leave its exit code in `status`.
await_r() {
	status=129
	while [ "$status" -gt 128 ] && kill -0 "$r" 2>/dev/null; do
		wait "$r"
		status=$?
	done
}

# end: stop what is left. R's workers end when their files are gone.
end() {
	if [ -n "$r" ]; then kill -9 "$r" 2>/dev/null; fi
	if [ -s "$run/nginx" ]; then kill "$(cat "$run/nginx")" 2>/dev/null; fi
	rm -rf "$run"
}
