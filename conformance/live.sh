#!/bin/sh
# Compares gostream with real servers, script by script:
#
#   conformance/live.sh [IMAGE ...]
#
# with the nginx of this machine, and in Docker with each IMAGE. Without one that
# is nginx:1.31, or where nothing can be pulled the nginx of Debian forky, which
# conformance/image/build makes. What is older than a script knows is left out.
set -u
cd "$(dirname "$0")/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0 servers=0

compare() {
	if go test ./conformance -count=1 -timeout 20m -v -run 'TestScripts|TestIdioms' -nginx "$1" >"$out" 2>&1; then
		result=agrees
	else
		result=DIFFERS status=1
		grep -E -A 40 '^ *--- FAIL' "$out" | head -n 300
	fi
	servers=$((servers + 1))
	printf '%s: gostream %s: %d scripts, %d left out, %d different\n' \
		"$(grep -o "$1 is nginx [0-9.]*" "$out" | head -n 1)" "$result" \
		"$(grep -cE '^    --- PASS' "$out")" "$(grep -cE '^    --- SKIP' "$out")" "$(grep -cE '^    --- FAIL' "$out")"
}

if nginx=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx); then
	compare "path:$nginx"
else
	echo "there is no nginx on this machine: not compared"
fi
if ! docker info >/dev/null 2>&1; then
	echo "Docker is not available: gostream is not compared with the nginx of an image"
elif [ $# -eq 0 ]; then
	compare docker:
else
	for image; do compare "docker:$image"; done
fi
[ $servers -gt 0 ] || { echo "nothing to compare with" >&2; exit 1; }
exit $status
