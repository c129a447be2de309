//! Profiles: a head and a chapter in TOML.

use gokaku::message::Lang;
use gokaku::plan::audit;
use gokaku::profile::ProfileFiles;
use gokaku::rootfs::MemoryRootfs;

use super::support::chosen;

#[path = "../../tests/docs/rules_page.rs"]
mod rules_page;

const HEAD: &str = "id = \"t\"\ntitle = { en = \"t\", ja = \"t\" }\nsource = \"s\"\n\
    benchmark = { name = \"b\", version = \"1\" }\n\
    target = { os = \"ubuntu\", version = \"18.04\" }\n\
    status = [{ key = \"pass\", word = { en = \"p\", ja = \"p\" }, enforced = true },\n\
    { key = \"fail\", word = { en = \"f\", ja = \"f\" } }]\n\
    reason = [{ key = \"none-given\", word = { en = \"n\", ja = \"n\" } }]\n\
    [packages]\nprotected = [\"linux-*\"]\n\
    [defaults.sysctl]\nfile = \"/etc/sysctl.d/60-x.conf\"\nlate_file = \"/etc/sysctl.d/99-x.conf\"\n\
    [defaults.kernel_module]\nfile = \"/etc/modprobe.d/x.conf\"\n\
    [defaults.mount]\ndrop_in = \"60-x.conf\"\n\
    [defaults.systemd_conf]\nmark = \"x\"\n\
    [vars]\nn = 1\ns = \"a\\\"b\"\n";

/// A profile is refused with a place, or can be shown and judged by.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    let files = if pick % 8 == 0 { [&*text, ""] } else { [HEAD, &*text] };
    match ProfileFiles::from_files(["profile.toml", "1.toml"].into_iter().zip(files)).parse() {
        Err(e) => assert!(e.to_string().contains(".toml"), "{e}"),
        Ok(profile) => {
            rules_page::render(&profile, Lang::En);
            let root = MemoryRootfs::new().file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
            let rules: Vec<_> = profile.rules.iter().collect();
            assert_eq!(audit(&rules, &root).len(), rules.len());
        }
    }
}
