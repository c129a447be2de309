//! No password was changed in the future.

use schemars::JsonSchema;
use serde::Deserialize;

use super::clock::{self, Today};
use super::{AccountFile, Ledger, Lock, messages};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::{Rootfs, show_name};
use crate::text::accounts::{CHANGED, Days, Layout, PASSWORD, days};

/// The day of the last change of every password is not after today. Only ever reported: the clock
/// that is wrong may be that of the machine that looks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PastPasswordChanges {}

impl Primitive for PastPasswordChanges {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        judge(audit.root(), clock::today())
    }
}

fn judge(root: &dyn Rootfs, today: Today) -> Result<Finding> {
    let shadow = AccountFile::require(root, Layout::Shadow)?;
    let secrets = shadow.table();
    let mut ledger = Ledger::default();
    let mut judged = 0;
    let with_password =
        secrets.entries.iter().filter(|s| Lock::of(s.field(PASSWORD)) == Lock::Password);
    for secret in with_password {
        judged += 1;
        let account = show_name(secret.name());
        let found = match days(secret.field(CHANGED)) {
            Days::Unset => messages::no_change_day(&account),
            Days::Set(day) => messages::changed_on(day, &account),
            Days::Invalid => messages::bad_change_day(&account),
        };
        let want = messages::want_past_day(today.latest);
        let evidence = shadow.at(secret.line).found(found).want(want);
        let subject = Subject::account(secret.name());
        match days(secret.field(CHANGED)) {
            Days::Set(day) if day > today.latest => {
                ledger.open(subject, evidence, messages::future_change(account));
            }
            Days::Invalid => ledger.open(subject, evidence, messages::set_new_password(account)),
            Days::Set(_) | Days::Unset => ledger.holds(|| evidence),
        }
    }
    ledger.lines(&shadow, &secrets, |_| true);
    if judged == 0 && !ledger.has_gaps() {
        return Ok(Finding::MetVacuously(vec![shadow.whole().note(messages::no_passwords())]));
    }
    Ok(ledger.finish(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::accounts::testing::{SHADOW, image, open, outcome, want, with};

    struct On(i64);

    impl Primitive for On {
        fn consumers(&self) -> Vec<Consumes> {
            Vec::new()
        }

        fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
            order::right_or_wrong(self, before, after)
        }

        fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
            judge(audit.root(), Today::on(self.0))
        }
    }

    #[test]
    fn a_change_in_the_future_is_reported() {
        let bob = |day: &str| {
            let text = with(SHADOW, "bob:!:18000:", &format!("bob:$6$a$b:{day}:"));
            image().file("/etc/shadow", text)
        };
        for (day, want) in [
            ("20000", Outcome::Met),
            ("0", Outcome::Met),
            ("", Outcome::Met),
            ("20001", Outcome::NotMet),
            ("soon", Outcome::NotMet),
        ] {
            assert_eq!(outcome(&On(20_000), &bob(day)), want, "{day}");
        }
        assert_eq!(open(&On(20_000), &bob("20001")).len(), 1, "never repaired");
        assert_eq!(outcome(&On(20_000), &image()), Outcome::MetVacuously);
        assert_eq!(outcome(&On(20_000), &image().without("/etc/shadow")), Outcome::Unknown);
        let want = want("past_password_changes = {}");
        assert_eq!(outcome(want.primitive(), &bob("18000")), Outcome::Met);
    }
}
