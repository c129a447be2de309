#!/bin/sh
# make.sh [GOKAKU]: makes the pictures of the README anew, from a real run on the test root: what `plan`
# prints, and the page of `audit`. As root, because the root stands at /mnt in a mount namespace, so
# that the pictures do not show where this machine keeps it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$(dirname "$here")")
"$repository/provision/need.sh" chromium:chromium aha:aha cwebp:webp unshare:util-linux \
    /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc:fonts-noto-cjk \
    /usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf:fonts-dejavu-core
if [ $# -gt 0 ]; then
    gokaku=$(realpath "$1")
else
    cargo build --quiet --locked --manifest-path "$repository/Cargo.toml"
    gokaku=$repository/target/debug/gokaku
fi
root=$("$repository/tests/standin-root.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# on_root COMMAND…: with the test root at /mnt. What is found there is what the pictures are about.
on_root() {
    status=0
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c 'mount --bind "$1" /mnt; shift; exec "$@"' sh "$root" "$@" 2>/dev/null || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 2 ]
}

# picture PAGE FILE WIDTH HEIGHT
picture() {
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/browser" \
        --window-size="$3,$4" --screenshot="$work/shot.png" "file://$1" >/dev/null 2>&1
    cwebp -quiet -lossless -z 9 -metadata none "$work/shot.png" -o "$2"
    rm "$work/shot.png"
}

for lang in en ja; do
    # A font in which a character of East Asia is two cells wide, as on a terminal.
    case $lang in
    ja) font='"Noto Sans Mono CJK JP"' ;;
    *) font='"DejaVu Sans Mono"' ;;
    esac
    on_root env CLICOLOR_FORCE=1 "$gokaku" plan --quiet --root /mnt --lang "$lang" >"$work/plan"
    {
        # shellcheck disable=SC2016 # a prompt
        printf '\033[1m$ gokaku plan --root /mnt\033[0m\n'
        head -n 20 "$work/plan"
        printf '  …\n\n'
        tail -n 9 "$work/plan"
    } | aha --no-header >"$work/shown"
    # aha's colours are for white paper.
    {
        printf '<!DOCTYPE html><html lang="%s"><meta charset="utf-8"><style>\n' "$lang"
        printf 'body { margin: 0; background: #15181b; color: #e7e9eb; overflow: hidden; }\n'
        printf 'pre { margin: 0; padding: 16px 20px; font: 14px/20px %s, monospace; }\n' "$font"
        printf '.r { color: #ff9c93; } .g { color: #86d498; }\n</style><pre>'
        sed 's/style="color:red;"/class="r"/g; s/style="color:green;"/class="g"/g' "$work/shown"
    } >"$work/plan.html"
    picture "$work/plan.html" "$here/plan.$lang.webp" 1160 672

    on_root "$gokaku" audit --quiet --root /mnt --format html --lang "$lang" >"$work/report.html"
    picture "$work/report.html" "$here/report.$lang.webp" 1160 860
done
ls -l "$here"/*.webp
