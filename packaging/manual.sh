#!/bin/sh
# Makes man pages from the tool's argument parser, by the parser's own generator, and mends what man and lintian find in them.
#
#     packaging/manual.sh GENERATOR TOOL FOLDER
#
# Environment: SOURCE_DATE_EPOCH, their date, else today.
set -eu
generator=$1 tool=$2 folder=$3
rm -rf "$folder"
mkdir -p "$folder"
"$generator" "$tool" --multi-page --output-directory "$folder" --date "$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%F)"
for page in "$folder"/*.1; do
    # Pages of commands are called as Git's are, cflowad-train(1), by all that names them; empty lines are paragraphs.
    sed -i -e '/^\.Nm "cflowad /{h;s/"cflowad \(.*\)"/cflowad-\1/;}' -e '/^\.Nm$/{x;/./!s/^/.Nm/;}' \
        -e 's/^\(\.Xr cflowad\)\./\1-/; s/^\(\.Dt CFLOWAD\)\./\1-/; s/^$/.Pp/' "$page"
    renamed=$(basename "$page" .1 | tr . -)
    [ "$page" = "$folder/$renamed.1" ] || mv "$page" "$folder/$renamed.1"
done
