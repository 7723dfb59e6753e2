#!/bin/bash
# Compares gostream with real servers, script by script:
#
#   conformance/live.sh [path:BINARY | docker:IMAGE ...]
#
# Without arguments that is the nginx of this machine, and a newer one: in Docker
# nginx:1.31, or where that cannot be pulled the nginx of Debian forky, which
# image/build makes; without Docker that of image/unpack. What is older than a
# script knows is left out.
set -u
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0

compare() {
	local result=agrees started=$SECONDS
	if ! go test ./conformance -count=1 -timeout 20m -v -run 'TestScripts|TestIdioms' -nginx "$1" >"$out/test" 2>&1; then
		result=DIFFERS status=1
		grep -E -A 30 'Error Trace|^panic|^FAIL' "$out/test" | cut -c 1-400 | head -n 300
		grep -E '^ *--- FAIL' "$out/test"
	elif grep -q '^--- SKIP: TestScripts' "$out/test"; then
		echo "$1 is left out:"
		grep -A 3 'left out' "$out/test" | head -n 4
		return
	fi
	printf '%s: gostream %s: %d scripts, %d not in that version, %d different (%ds)\n' \
		"$(grep -o "$1 is nginx [0-9.]*" "$out/test" | head -n 1)" "$result" \
		"$(grep -cE '^    --- PASS' "$out/test")" "$(grep -cE '^    --- SKIP' "$out/test")" \
		"$(grep -cE '^    --- FAIL' "$out/test")" $((SECONDS - started))
}

if [ $# -eq 0 ]; then
	if nginx=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx); then
		set -- "path:$nginx"
	else
		echo "there is no nginx on this machine"
	fi
	if docker info >/dev/null 2>&1; then
		set -- "$@" docker:
	elif conformance/image/unpack forky "$out/forky"; then
		echo "Docker is not available: the nginx of forky runs without it"
		set -- "$@" "path:$out/forky/nginx"
	fi
fi
[ $# -gt 0 ] || { echo "nothing to compare with" >&2; exit 1; }
for server; do compare "$server"; done
exit $status
