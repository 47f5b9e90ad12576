#!/bin/sh
# Writes the notices of what the tool carries under the Apache License without Swift's exception, and under the MIT License: of
# SwiftNIO and of llhttp in it.
set -eu
nio=$(cd "$(dirname "$0")/.." && pwd)/.build-lib/checkouts/swift-nio
cat "$nio/NOTICE.txt"
printf '\n---- llhttp ----\n\n'
cat "$nio/Sources/CNIOLLHTTP/LICENSE"
