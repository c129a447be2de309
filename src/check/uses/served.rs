//! Which directories servers serve, and as whom they read them.

use std::rc::Rc;

use super::LIMIT;
use crate::check::accounts::AccountFile;
use crate::check::common::glob;
use crate::check::common::includes::{Budget, Limits};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::accounts::{HOME, Layout};
use crate::text::lossless;
use crate::text::pattern::Wildcards;
use crate::text::served::{Server, Statement, read};

/// As many files as a server reads in earnest.
const LIMITS: Limits = Limits { levels: 16, files: 2_000 };

/// Where each server's configuration begins, where its relative paths begin, as whom it reads, and
/// its name.
const SERVERS: &[(Server, &str, &str, Option<&str>, &str)] = &[
    (Server::Apache, "/etc/apache2/apache2.conf", "/etc/apache2", Some("www-data"), "apache2"),
    (Server::Nginx, "/etc/nginx/nginx.conf", "/etc/nginx", Some("www-data"), "nginx"),
    (
        Server::Lighttpd,
        "/etc/lighttpd/lighttpd.conf",
        "/etc/lighttpd",
        Some("www-data"),
        "lighttpd",
    ),
    (Server::Vsftpd, "/etc/vsftpd.conf", "/etc", Some("ftp"), "vsftpd"),
    (Server::Proftpd, "/etc/proftpd/proftpd.conf", "/etc/proftpd", Some("ftp"), "proftpd"),
    // These serve as whoever asks, whom the tree does not name: what others may do counts.
    (Server::Samba, "/etc/samba/smb.conf", "/etc/samba", None, "samba"),
    (Server::Nfs, "/etc/exports", "/etc", None, "nfs-server"),
    (Server::Rsync, "/etc/rsyncd.conf", "/etc", Some("nobody"), "rsync"),
];

/// A directory that a server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    /// The server's name.
    pub server: &'static str,
    /// As whom it reads; `None` for whoever asks.
    pub account: Option<String>,
    /// The directory.
    pub path: ImagePath,
    /// What says so: the file and the line, from 1.
    pub at: (ImagePath, usize),
}

/// What servers serve, and paths that cannot be known.
#[derive(Debug, Default)]
pub(crate) struct AllServed {
    /// The directories.
    pub dirs: Vec<Served>,
    /// Paths with variables in them.
    pub hidden: Vec<(String, ImagePath, usize)>,
}

impl AllServed {
    /// Of the tree as it is.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn of(root: &dyn Rootfs) -> Result<Rc<AllServed>> {
        root.memo().derived(|| {
            let mut all = AllServed::default();
            for (server, file, dir, account, name) in SERVERS {
                let first = ImagePath::parse(*file)?;
                let mut found = Reader {
                    root,
                    server: *server,
                    dir,
                    budget: Budget::new(LIMITS, &first),
                    account: account.map(str::to_owned),
                    said: Vec::new(),
                };
                // A configuration without an end names what it named so far.
                let _ = found.file(&first);
                let Reader { account, said, .. } = found;
                for (path, line, said) in said {
                    all.add(root, name, &account, said, (path, line))?;
                }
            }
            Ok(all)
        })
    }

    fn add(
        &mut self,
        root: &dyn Rootfs,
        server: &'static str,
        account: &Option<String>,
        said: Statement,
        at: (ImagePath, usize),
    ) -> Result<()> {
        let mut add = |path: ImagePath| {
            self.dirs.push(Served { server, account: account.clone(), path, at: at.clone() });
        };
        match said {
            Statement::Serves(path) => {
                if let Ok(path) = ImagePath::parse(&path) {
                    add(path);
                }
            }
            Statement::ServesHomes(name) => {
                let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
                for user in &passwd.table().entries {
                    let Ok(home) = ImagePath::parse(user.field(HOME)) else { continue };
                    let Ok(pages) = ImagePath::parse(format!("{home}/{name}")) else { continue };
                    if !home.is_root() && root.locate(&pages).is_ok_and(|at| at.stat.is_some()) {
                        add(pages);
                    }
                }
            }
            Statement::Hidden(text) => self.hidden.push((text, at.0, at.1)),
            Statement::RunsAs(_) | Statement::Includes(_) => {}
        }
        Ok(())
    }
}

struct Reader<'a> {
    root: &'a dyn Rootfs,
    server: Server,
    /// Where relative paths begin.
    dir: &'a str,
    budget: Budget,
    account: Option<String>,
    said: Vec<(ImagePath, usize, Statement)>,
}

impl Reader<'_> {
    fn file(&mut self, path: &ImagePath) -> Result<()> {
        let at = self.root.locate(path)?.path;
        let Ok(Some(bytes)) = self.root.read_bytes(&at, LIMIT) else { return Ok(()) };
        self.budget.enter(&at, bytes.len())?;
        for (line, said) in read(self.server, &lossless::decode(&bytes)) {
            match said {
                // A variable of the environment, or an account of the network.
                Statement::RunsAs(name) if !name.contains('$') => self.account = Some(name),
                Statement::Includes(pattern) => {
                    let pattern = match pattern.starts_with('/') {
                        true => pattern,
                        false => format!("{}/{pattern}", self.dir),
                    };
                    self.budget.at(path, line);
                    let files =
                        glob::expand(self.root, Wildcards::Libc, &pattern, &mut self.budget)?;
                    for file in files {
                        self.file(&file)?;
                    }
                }
                said => self.said.push((path.clone(), line, said)),
            }
        }
        self.budget.leave();
        Ok(())
    }
}
