# shellcheck shell=sh
# verdicts.sh: how jobs judge. Sourced by their `run`, in the directory whose files come back.
#
# Each check is one line in the file `verdicts`: what came out, its kind, its name, the last words
# of what it printed. The kinds are what makes a check trustworthy: every job that judges the
# hardened image judges the image as it was, too (run.sh), and
#
#   keeps   must hold on both: what a node needs goes on working
#   gains   must hold on the hardened image and must not on the other: the check can fail
#   holds   must hold on the hardened image; the other may have it by itself

# Few programs are started here: under emulation each one costs.
verdict() {
    read -r up _ </proc/uptime
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$up" "$4" >>verdicts
}

# judge KIND NAME COMMAND…: the command is often a function of this shell, and may use any name but
# those that begin with judge_.
judge() {
    judge_kind=$1 judge_name=$2 judge_words=
    shift 2
    if "$@" >.told 2>&1; then judge_come=pass; else judge_come=fail; fi
    while read -r line; do judge_words=${line:-$judge_words}; done <.told
    verdict "$judge_come" "$judge_kind" "$judge_name" "$judge_words"
    [ $judge_come = pass ] || { echo "== $judge_name"; cat .told; }
}
keeps() { judge keeps "$@"; }
gains() { judge gains "$@"; }
holds() { judge holds "$@"; }
# skipped NAME CAUSE
skipped() { verdict skip keeps "$1" "$2"; }
# The last line of every job: without it the job is not taken for whole.
end_of_job() { verdict end - - -; }

# eventually SECONDS COMMAND…: until it succeeds. A busy machine is slow, not wrong.
eventually() {
    left=$1
    shift
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 1
    done
}
refuses() { ! "$@"; }
# is FOUND WANTED
is() { echo "found '$1', want '$2'"; [ "$1" = "$2" ]; }
