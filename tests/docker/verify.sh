#!/usr/bin/env bash
# Builds the Dockerfile as it is, without a container engine running, and looks at what came out:
# the programs start, they run unprivileged, the health check is there. Needs root, buildah and
# mmdebstrap (apt-get install buildah mmdebstrap), and minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for program in buildah mmdebstrap; do
  command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 1; }
done
[ "$(id -u)" -eq 0 ] || { echo "needs root" >&2; exit 1; }

scratch=$(mktemp -d)
store=(--root "$scratch/store" --runroot "$scratch/run" --storage-driver vfs)
trap 'umount "$scratch/store/overlay" 2>/dev/null || true; rm -rf "$scratch"' EXIT

echo "base image"
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$scratch/base.tar"
base=$(buildah "${store[@]}" from scratch)
buildah "${store[@]}" add --quiet "$base" "$scratch/base.tar" / >/dev/null
buildah "${store[@]}" commit --quiet "$base" localhost/debian:bookworm-slim >/dev/null
buildah "${store[@]}" rm "$base" >/dev/null
rm "$scratch/base.tar"

echo "build"
# --format docker: the OCI format has no health check.
buildah "${store[@]}" bud --isolation chroot --pull-never --format docker \
  --build-arg "JOBS=$(nproc)" -t localhost/pgreeve:check -f Dockerfile .

container=$(buildah "${store[@]}" from --pull-never localhost/pgreeve:check)
inside() { buildah "${store[@]}" run --isolation chroot "$container" -- "$@"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

for program in pgreeve-router pgreeve-rebalancer pgreevectl; do
  inside "$program" --version || fail "$program --version"
done
[ "$(inside id -u)" = 10001 ] || fail "runs as another user than 10001"
if inside pgreeve-router --check-config --config /nowhere.toml; then fail "a missing file was accepted"; fi
inspected=$(buildah "${store[@]}" inspect --format '{{.Docker.Config.Healthcheck}} {{.Docker.Config.User}}' \
  localhost/pgreeve:check)
case "$inspected" in *--health*10001*) ;; *) fail "health check or user: $inspected" ;; esac
buildah "${store[@]}" rm "$container" >/dev/null
echo "image: ok"
