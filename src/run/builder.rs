//! The account that logged in to run this.

/// Whose login this process descends from, as the kernel has kept it.
pub(super) fn login_uid() -> Option<u32> {
    #[allow(clippy::disallowed_methods)] // the running system, which is the root to be judged
    let text = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

/// The account that logged in to run this. Root counts only where the login came over the network:
/// a program of the system's own logs in nowhere.
pub(super) fn builder(
    environment: &dyn Fn(&str) -> Option<String>,
    login_uid: Option<u32>,
    name_of: &dyn Fn(u32) -> Option<String>,
) -> Option<String> {
    let caller = ["SUDO_USER", "DOAS_USER"].into_iter().find_map(environment);
    if let Some(name) = caller.filter(|name| name != "root") {
        return Some(name);
    }
    if let Some(name) = login_uid.filter(|uid| *uid != 0).and_then(name_of) {
        return Some(name);
    }
    let remote =
        ["SSH_CONNECTION", "PACKER_BUILD_NAME"].into_iter().any(|n| environment(n).is_some());
    remote.then(|| {
        ["LOGNAME", "USER"].into_iter().find_map(environment).unwrap_or_else(|| "root".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_builds() {
        let of = |pairs: &[(&str, &str)], uid| {
            let environment =
                |name: &str| pairs.iter().find(|p| p.0 == name).map(|p| p.1.to_owned());
            builder(&environment, uid, &|uid| (uid == 1000).then(|| "bob".to_owned()))
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(of(&[("SUDO_USER", "eve"), ("USER", "root")], Some(1000)), some("eve"));
        assert_eq!(of(&[("USER", "root")], Some(1000)), some("bob"), "su keeps the login");
        assert_eq!(of(&[("SUDO_USER", "root")], Some(0)), None, "root at the console");
        assert_eq!(of(&[("USER", "root")], None), None, "a service");
        let remote = ("SSH_CONNECTION", "10.0.0.2 5 10.0.0.1 22");
        assert_eq!(of(&[remote, ("LOGNAME", "root")], Some(0)), some("root"));
        assert_eq!(of(&[("PACKER_BUILD_NAME", "x")], None), some("root"));
        assert_eq!(of(&[remote, ("LOGNAME", "ann")], Some(7)), some("ann"), "not in passwd");
    }
}
