#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes src/proto/*_pb.ts from ../proto. A file that did not change is left
# alone, so that nothing is built anew because of it.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"${PROTOC:-protoc}" --proto_path=../proto \
  --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
  --es_opt=target=ts --es_out="$out" \
  chat.proto choice.proto diagnostics.proto media.proto meeting.proto packet_wrapper.proto \
  session.proto
mkdir -p src/proto
for file in "$out"/*.ts; do
  cmp -s "$file" "src/proto/${file##*/}" || cp "$file" src/proto/
done
