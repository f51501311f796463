#!/usr/bin/env bash
# Regenerates Sources/WireProtocol/Generated from the .proto files; --check only compares and fails on drift.
# Needs protoc (protobuf-compiler); the Swift plugin is built from the same swift-protobuf that the package uses.
set -euo pipefail
cd "$(dirname "$0")/.."

target=Sources/WireProtocol/Generated
if [ "${1:-}" = "--check" ]; then
  output=$(mktemp -d)
  trap 'rm -rf "$output"' EXIT
else
  output=$target
  mkdir -p "$output"
fi

plugin=${PROTOC_GEN_SWIFT:-}
if [ -z "$plugin" ]; then
  swift build -c release --product protoc-gen-swift >&2
  plugin=$(swift build -c release --show-bin-path)/protoc-gen-swift
fi

protoc --plugin=protoc-gen-swift="$plugin" \
  --swift_opt=Visibility=Package --swift_opt=UseAccessLevelOnImports=true --swift_opt=FileNaming=DropPath \
  --swift_out="$output" --proto_path=protos protos/trawl/v1/*.proto

if [ "$output" != "$target" ]; then
  if ! diff -ru "$target" "$output"; then
    echo "protos/generate.sh: $target is not what the .proto files give; run protos/generate.sh" >&2
    exit 1
  fi
  echo "protos/generate.sh: $target is current"
fi
