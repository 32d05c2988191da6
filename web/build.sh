#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the page: build.sh BUILD_DIR. Called by meson.
#
# Leaves in BUILD_DIR: dist/ (the page) and web_resources.c (the same as a
# GResource under /videocall/web, each file also gzipped as NAME.gz). Does
# nothing when no source changed since. Needs the network only when
# package-lock.json is not what node_modules was made from.
set -eu
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
web=$PWD

# Several build folders may share this source folder.
exec 9>.build.lock
flock 9

fingerprint=$(find src public ../proto index.html package-lock.json \
  vite.config.ts tsconfig.json build.sh generate_proto.sh \
  -path src/proto -prune -o -type f -print0 | LC_ALL=C sort -z |
  xargs -0 sha256sum | sha256sum)
if [ -f "$out/web_resources.c" ] &&
  [ "$fingerprint" = "$(cat "$out/web.fingerprint" 2>/dev/null)" ]; then
  exit 0
fi

if ! cmp -s package-lock.json node_modules/.made-from; then
  npm ci --no-fund --no-audit --loglevel=error >&2 || {
    echo "web: npm ci failed; is there a network? (-Dweb=false builds without the page)" >&2
    exit 1
  }
  cp package-lock.json node_modules/.made-from
fi

./generate_proto.sh
node_modules/.bin/vite build --logLevel warn --outDir "$out/dist" --emptyOutDir

cd "$out/dist"
find . -type f -name '*.gz' -delete
find . -type f -exec gzip -9nk {} +
{
  printf '<?xml version="1.0" encoding="UTF-8"?>\n<gresources>\n'
  printf '<gresource prefix="/videocall/web">\n'
  find . -type f | LC_ALL=C sort | sed 's|^\./\(.*\)$|<file>\1</file>|'
  printf '</gresource>\n</gresources>\n'
} >"$out/web.gresource.xml"
glib-compile-resources --sourcedir=. --generate-source \
  --c-name=videocall_web --target="$out/web_resources.c" \
  "$out/web.gresource.xml"
printf '%s' "$fingerprint" >"$out/web.fingerprint"
