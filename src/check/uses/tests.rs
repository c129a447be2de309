use super::*;
use crate::rootfs::MemoryRootfs;

fn image() -> MemoryRootfs {
    MemoryRootfs::new()
        .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:131:131::/opt/app:/bin/bash\n")
}

fn used(root: &MemoryRootfs) -> Vec<(Way, String)> {
    let uses = Uses::of(root).unwrap();
    uses.of_account("app").iter().map(|one| (one.way, one.spot())).collect()
}

#[test]
fn everything_that_names_an_account_uses_it() {
    let unit = "/etc/systemd/system/a.service";
    for (path, text, way, spot) in [
        (unit, "[Service]\nUser=app\n", Way::Unit, "/etc/systemd/system/a.service:2"),
        (unit, "[Service]\nUser=131\n", Way::Unit, "/etc/systemd/system/a.service:2"),
        (
            unit,
            "[Service]\nExecStart=/bin/su - app -c /x\n",
            Way::Becomes,
            "/etc/systemd/system/a.service:2",
        ),
        (
            unit,
            "[Service]\nEnvironment=WHO=app\nExecStart=/sbin/runuser -u ${WHO} -- /x\n",
            Way::Becomes,
            "/etc/systemd/system/a.service:3",
        ),
        (
            "/etc/init.d/a",
            "#!/bin/sh\nRUNAS=\"app\"\nsu -c x - \"$RUNAS\"\n",
            Way::Becomes,
            "/etc/init.d/a:3",
        ),
        (
            "/etc/cron.daily/a",
            "#!/bin/sh\nexec setpriv --reuid app x\n",
            Way::Becomes,
            "/etc/cron.daily/a:2",
        ),
        ("/etc/cron.d/a", "5 3 * * * root su - app -c /x\n", Way::Becomes, "/etc/cron.d/a:1"),
        ("/etc/cron.d/a", "5 3 * * * app /x\n", Way::Cron, "/etc/cron.d/a:1"),
        (
            "/var/spool/cron/crontabs/app",
            "5 3 * * * /x\n",
            Way::OwnTable,
            "/var/spool/cron/crontabs/app",
        ),
        (
            "/var/spool/cron/atjobs/a1",
            "#!/bin/sh\n# atrun uid=131 gid=131\n",
            Way::At,
            "/var/spool/cron/atjobs/a1",
        ),
        ("/etc/sudoers", "ann ALL=(app) NOPASSWD: /x\n", Way::Sudo, "/etc/sudoers:1"),
        ("/etc/sudoers", "User_Alias A = app\nA ALL=(ALL) ALL\n", Way::Sudo, "/etc/sudoers:2"),
        ("/etc/aliases", "news: app\n", Way::Mail, "/etc/aliases:1"),
    ] {
        let found = used(&image().file(path, text));
        assert!(found.contains(&(way, spot.to_owned())), "{path} {text}: {found:?}");
    }
    for (path, text) in [
        (unit, "[Service]\nUser=app\nUser=\n"),
        ("/etc/cron.d/a", "# 5 3 * * * app /x\n"),
        ("/etc/init.d/a", "#!/bin/sh\n# su app\necho app\n"),
        ("/etc/sudoers", "# app ALL=ALL\n"),
        ("/etc/sudoers.d/a", "app ALL=ALL\n"),
    ] {
        assert_eq!(used(&image().file(path, text)), [], "{path} {text}");
    }
}

#[test]
fn scripts_of_units_and_what_they_read_are_followed() {
    let tree = image()
        .file("/etc/systemd/system/a.service", "[Service]\nExecStart=/opt/a/start\n")
        .file_with("/opt/a/start", "#!/bin/sh\n. /etc/default/a\nsu - $WHO\n", 0o755, 0, 0)
        .file("/etc/default/a", "WHO=app\n");
    assert_eq!(used(&tree), [(Way::Becomes, "/opt/a/start:3".to_owned())]);
    let hidden = tree.file("/etc/default/a", "\n");
    assert_eq!(used(&hidden), []);
    let uses = Uses::of(&hidden).unwrap();
    assert_eq!(uses.hidden.len(), 1);
    assert_eq!(uses.hidden[0].0, "WHO");
    assert!(uses.programs.iter().any(|(path, _)| path.as_bytes() == b"/opt/a/start"));
}

#[test]
fn who_becomes_root_by_sudo() {
    let tree = image().file(
        "/etc/sudoers",
        "%sudo ALL=(ALL:ALL) ALL\nann ALL=(root) /bin/ls\nbob ALL=NOPASSWD: ALL\n#includedir /etc/sudoers.d\n",
    );
    let tree = tree
        .file("/etc/sudoers.d/x", "eve ALL=(app) ALL\n")
        .file("/etc/sudoers.d/x.bak", "ann ALL=ALL\n");
    let sudo = Sudo::of(&tree).unwrap();
    let of = |name: &str, groups: &[&str]| {
        let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
        sudo.makes_root(name, 7, &groups).count()
    };
    assert_eq!(
        (of("ann", &[]), of("ann", &["sudo"]), of("bob", &[]), of("eve", &[])),
        (0, 1, 1, 0)
    );
}

#[test]
fn served_directories_are_found_through_includes() {
    let tree = image()
        .file("/etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n")
        .dir("/home/ann/public_html", 0o755, 1000, 1000)
        .file(
            "/etc/apache2/apache2.conf",
            "IncludeOptional sites-enabled/*.conf\nUser ${APACHE_RUN_USER}\n",
        )
        .file("/etc/apache2/sites-enabled/a.conf", "DocumentRoot /srv/www/a\nUserDir public_html\n")
        .file(
            "/etc/nginx/nginx.conf",
            "user web;\nhttp { server { root /srv/n; alias /home/$1/x; } }\n",
        )
        .file("/etc/exports", "/srv/e *(ro)\n");
    let all = served::AllServed::of(&tree).unwrap();
    let shown: Vec<String> = all
        .dirs
        .iter()
        .map(|d| format!("{} {:?} {} {}:{}", d.server, d.account, d.path, d.at.0, d.at.1))
        .collect();
    assert_eq!(
        shown,
        [
            "apache2 Some(\"www-data\") /srv/www/a /etc/apache2/sites-enabled/a.conf:1",
            "apache2 Some(\"www-data\") /home/ann/public_html /etc/apache2/sites-enabled/a.conf:2",
            "nginx Some(\"web\") /srv/n /etc/nginx/nginx.conf:2",
            "nfs-server None /srv/e /etc/exports:1",
        ]
    );
    assert_eq!(all.hidden.len(), 1);
}
