//! Runs that are killed at random moments: gokaku, its keeper, or both at once.
//!
//! By default a few rounds with a seed of the day's own; `GOKAKU_TEST_KILLS=500` does so many, and
//! `GOKAKU_TEST_KILLS_SEED` repeats a run. The seed is printed.

use crate::bench::overlay;
use crate::support::skip;

const ROUNDS: u32 = 8;
/// A killed run that was left alone takes about so long (ms); later moments are after its end.
const LATEST: u64 = 2500;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

/// `splitmix64`: each call gives the next number.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick<T: Copy>(state: &mut u64, all: &[T]) -> T {
    let index = next(state) % u64::try_from(all.len()).unwrap();
    all[usize::try_from(index).unwrap()]
}

#[test]
fn what_is_killed_at_random_moments_leaves_nothing_after_the_next_run() {
    let test = "what_is_killed_at_random_moments_leaves_nothing_after_the_next_run";
    let rounds = number("GOKAKU_TEST_KILLS").unwrap_or(u64::from(ROUNDS));
    let seed = number("GOKAKU_TEST_KILLS_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos()) ^ now.as_secs()
    });
    eprintln!("{test}: GOKAKU_TEST_KILLS_SEED={seed} GOKAKU_TEST_KILLS={rounds}");
    let mut state = seed;
    let mut moments = String::new();
    for round in 0..rounds {
        let moment = next(&mut state) % LATEST;
        let whom = pick(&mut state, &["run", "keeper", "both", "keeper-first"]);
        let verb = pick(&mut state, &["apply", "revert", "forget"]);
        moments += &format!("round {round} {}.{:03} {whom} {verb}\n", moment / 1000, moment % 1000);
    }
    let script = format!(
        r#"
# dpkg by hand runs it, too. What it starts holds on to nothing and ends at no signal but one.
cat >"$W/talk.prerm" <<'END'
[ -e /srv/armed ] || exit 0
trap '' HUP TERM INT
sleep 100000 & setsid sleep 100000 >/dev/null 2>&1 &
sleep 0.7
END
pkg talk 1; index; : >"$OUT/kills"
round() {{ # NUMBER SECONDS WHOM VERB
    rm -f "$R/srv/armed"; install talk; : >"$R/srv/armed"
    name="round $*"
    SOURCE_DATE_EPOCH=$EPOCH setsid gokaku apply --root "$R" --state-dir "$STATE" --packages apply \
        --rule 2.2.3 >"$OUT/killed.log" 2>&1 &
    pid=$!
    sleep "$2"
    keeper=$(pgrep -P $pid || true)
    case $3 in
    run) kill -KILL $pid ;;
    keeper) [ -z "$keeper" ] || kill -KILL $keeper ;;
    keeper-first) [ -z "$keeper" ] || kill -KILL $keeper; kill -KILL $pid ;;
    both) kill -STOP $pid $keeper; kill -KILL $pid $keeper ;;
    esac 2>/dev/null || true
    wait $pid || true
    echo "$* keeper ${{keeper:+there}}" >>"$OUT/kills"
    # A run that lost its keeper has cleaned up itself.
    case $3 in keeper) may=nothing ;; *) may='scratch|policy-rc.d' ;; esac
    traces | grep -vE "$may" >>"$OUT/traces" || true
    find "$R/usr/sbin" -name '*policy*' | grep -vE "$may" | sed "s/^/$name: /" >>"$OUT/traces" || true
    case $4 in
    apply) gokaku apply --root "$R" --state-dir "$STATE" --rule 3.2.1 ;;
    *) gokaku $4 --root "$R" --state-dir "$STATE" ;;
    esac >>"$OUT/next.log" 2>&1 || true
    name="round $*, then $4"; traces >>"$OUT/traces"
    [ -z "$keeper" ] || find /sys/fs/cgroup -type d -name "gokaku-step-$keeper" 2>/dev/null |
        sed "s/^/$name: group /" >>"$OUT/traces"
    find "$R/usr/sbin" -name '*policy*' | sed "s/^/$name: /" >>"$OUT/traces"
    # What dpkg was cut off at is its own to finish.
    chroot "$R" dpkg --configure -a >/dev/null 2>&1 || true
}}
{moments}"#
    );
    let Some(ran) = overlay(test, &script) else { return };
    let kills = ran.file("kills");
    assert_eq!(u64::try_from(kills.lines().count()).unwrap(), rounds, "{kills}");
    let during = kills.lines().filter(|line| line.ends_with("there")).count();
    assert!(during > 0, "seed {seed}: not one of them was at work: {kills}");
}

/// Groups bear the number of their keeper, so those of tests beside this one are not taken for its own.
#[test]
fn a_run_that_ends_by_itself_leaves_no_control_group() {
    let test = "a_run_that_ends_by_itself_leaves_no_control_group";
    let script = r#"
echo 'sleep 2' >"$W/talk.prerm"
pkg talk 1; index; install talk
: >"$OUT/groups"; : >"$OUT/left"
SOURCE_DATE_EPOCH=$EPOCH gokaku apply --root "$R" --state-dir "$STATE" --packages apply --rule 2.2.3 \
    >"$OUT/alone.log" 2>&1 &
pid=$!
while kill -0 $pid 2>/dev/null; do
    for keeper in $(pgrep -P $pid || true); do
        find /sys/fs/cgroup -type d -name "gokaku-step-$keeper" 2>/dev/null >>"$OUT/groups" || true
    done
    sleep 0.1
done
wait $pid
for group in $(sort -u "$OUT/groups"); do [ ! -d "$group" ] || echo "$group" >>"$OUT/left"; done
"#;
    let Some(ran) = overlay(test, script) else { return };
    if ran.file("groups").is_empty() {
        return skip(test, "no control groups can be made here");
    }
    assert_eq!(ran.file("left"), "");
}
