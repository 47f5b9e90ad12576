#!/bin/sh
# Signs the checksums of what `make dist` made, after it has found them right: FOLDER/SHA256SUMS.asc, by gpg's default key or KEY.
#
#     packaging/sign.sh FOLDER [KEY]
#     packaging/sign.sh --test      # the same on a file and with a key made for it, and that a change is noticed
set -eu

sign() {
    (cd "$1" && sha256sum --check --quiet SHA256SUMS)
    gpg --batch --yes --armor --detach-sign ${2:+--local-user "$2"} --output "$1/SHA256SUMS.asc" "$1/SHA256SUMS"
}

# As docs/install.md tells who installs.
is_genuine() { (cd "$1" && gpg --verify SHA256SUMS.asc SHA256SUMS && sha256sum --check --quiet SHA256SUMS) > /dev/null 2>&1; }

if [ "$1" != --test ]; then
    sign "$@"
    exit
fi
work=$(mktemp -d)
trap 'gpgconf --kill gpg-agent; rm -rf "$work"' EXIT
export GNUPGHOME="$work/keys"
mkdir -m 700 "$GNUPGHOME" "$work/dist"
gpg --batch --quiet --passphrase '' --quick-generate-key release@cflowad.test ed25519 sign never 2> /dev/null
echo archive > "$work/dist/archive"
(cd "$work/dist" && sha256sum archive > SHA256SUMS)
sign "$work/dist" release@cflowad.test
is_genuine "$work/dist"
echo other > "$work/dist/archive"
if is_genuine "$work/dist"; then echo "a changed archive is not noticed" >&2; exit 1; fi
(cd "$work/dist" && sha256sum archive > SHA256SUMS)
if is_genuine "$work/dist"; then echo "changed checksums are not noticed" >&2; exit 1; fi
echo "signing: passed"
