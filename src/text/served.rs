//! What the configurations of servers name as served: web, file and FTP servers.
//!
//! Uncommented statements with literal paths. What a variable hides is said to be hidden.

/// Whose configuration a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// apache2.
    Apache,
    /// nginx.
    Nginx,
    /// lighttpd.
    Lighttpd,
    /// vsftpd.
    Vsftpd,
    /// proftpd.
    Proftpd,
    /// Samba.
    Samba,
    /// The kernel's NFS server.
    Nfs,
    /// rsync's daemon.
    Rsync,
}

/// A statement that is of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// This directory is served.
    Serves(String),
    /// A directory of this name in every home is served.
    ServesHomes(String),
    /// The server reads files as this account.
    RunsAs(String),
    /// This file or pattern is read, too.
    Includes(String),
    /// A path with a variable in it.
    Hidden(String),
}

/// The statements of interest, each with its line from 1.
pub fn read(server: Server, text: &str) -> Vec<(usize, Statement)> {
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let comment = match server {
            Server::Samba => line.starts_with(['#', ';']),
            _ => line.starts_with('#'),
        };
        if comment || line.is_empty() {
            continue;
        }
        for said in statement(server, line) {
            all.push((index + 1, said));
        }
    }
    all
}

fn statement(server: Server, line: &str) -> Vec<Statement> {
    match server {
        Server::Apache => apache(line),
        Server::Nginx => line.split([';', '{', '}']).flat_map(nginx).collect(),
        Server::Lighttpd => lighttpd(line),
        Server::Vsftpd => assigned(line, &["local_root", "anon_root"], &["ftp_username"]),
        Server::Proftpd => proftpd(line),
        Server::Samba => assigned(line, &["path", "directory"], &["guest account", "force user"]),
        Server::Rsync => assigned(line, &["path"], &["uid"]),
        Server::Nfs => nfs(line),
    }
}

fn path(text: &str) -> Statement {
    let text = text.trim().trim_matches(['"', '\'']);
    match text.contains(['$', '%', '~', '*', '?', '[', '(']) {
        true => Statement::Hidden(text.to_owned()),
        false => Statement::Serves(text.to_owned()),
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn apache(line: &str) -> Vec<Statement> {
    let words = words(line.trim_start_matches('<').trim_end_matches('>'));
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let word = |n: usize| rest.get(n).copied().map(|w| w.trim_matches('"'));
    let found = match first.to_ascii_lowercase().as_str() {
        "documentroot" => word(0).map(path),
        "alias" | "scriptalias" => word(1).map(path),
        "directory" => word(0).filter(|w| w.starts_with('/') && *w != "/").map(path),
        "userdir" => word(0)
            .filter(|w| !["disabled", "enabled"].contains(&w.to_ascii_lowercase().as_str()))
            .map(|w| match w.starts_with('/') {
                true => Statement::Hidden(w.to_owned()),
                false => Statement::ServesHomes(w.to_owned()),
            }),
        "user" => word(0).map(|w| Statement::RunsAs(w.to_owned())),
        "include" | "includeoptional" => word(0).map(|w| Statement::Includes(w.to_owned())),
        _ => None,
    };
    found.into_iter().collect()
}

fn nginx(statement: &str) -> Vec<Statement> {
    let words = words(statement);
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let Some(value) = rest.first().copied() else { return Vec::new() };
    let found = match *first {
        "root" | "alias" => Some(path(value)),
        "user" => Some(Statement::RunsAs(value.to_owned())),
        "include" => Some(Statement::Includes(value.to_owned())),
        _ => None,
    };
    found.into_iter().collect()
}

fn lighttpd(line: &str) -> Vec<Statement> {
    if let Some(pattern) = line.strip_prefix("include ") {
        return vec![Statement::Includes(pattern.trim().trim_matches('"').to_owned())];
    }
    let Some((name, value)) = line.split_once('=') else { return Vec::new() };
    let value = value.trim().trim_matches('"');
    match name.trim().trim_end_matches('+').trim() {
        "server.document-root" => vec![path(value)],
        "server.username" => vec![Statement::RunsAs(value.to_owned())],
        "userdir.path" => vec![Statement::ServesHomes(value.to_owned())],
        _ => Vec::new(),
    }
}

fn proftpd(line: &str) -> Vec<Statement> {
    let words = words(line.trim_start_matches('<').trim_end_matches('>'));
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let Some(value) = rest.first().copied() else { return Vec::new() };
    let found = match first.to_ascii_lowercase().as_str() {
        // A root in each account's own home is entered by that account.
        "defaultroot" if value.starts_with('~') => None,
        "defaultroot" | "anonymous" => Some(path(value)),
        "include" => Some(Statement::Includes(value.to_owned())),
        _ => None,
    };
    found.into_iter().collect()
}

fn nfs(line: &str) -> Vec<Statement> {
    let first = line.split_whitespace().next().unwrap_or_default();
    if first.starts_with(['/', '"']) { vec![path(first)] } else { Vec::new() }
}

/// `key = value`, the key in any case and with blanks in it.
fn assigned(line: &str, paths: &[&str], accounts: &[&str]) -> Vec<Statement> {
    let Some((name, value)) = line.split_once('=') else { return Vec::new() };
    let name = name.trim().to_ascii_lowercase();
    let value = value.trim();
    if paths.contains(&name.as_str()) && !value.is_empty() {
        vec![path(value)]
    } else if accounts.contains(&name.as_str()) {
        vec![Statement::RunsAs(value.to_owned())]
    } else if name == "include" {
        vec![Statement::Includes(value.to_owned())]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_servers_own_statements() {
        let serves = |path: &str| Statement::Serves(path.to_owned());
        for (server, text, want) in [
            (Server::Apache, "  DocumentRoot \"/srv/www\"\n", vec![serves("/srv/www")]),
            (Server::Apache, "<Directory /srv/x>\n", vec![serves("/srv/x")]),
            (Server::Apache, "<Directory />\n# DocumentRoot /x\n", vec![]),
            (
                Server::Apache,
                "UserDir public_html\n",
                vec![Statement::ServesHomes("public_html".into())],
            ),
            (Server::Apache, "UserDir disabled root\n", vec![]),
            (Server::Apache, "Alias /d ${ROOT}/d\n", vec![Statement::Hidden("${ROOT}/d".into())]),
            (Server::Nginx, "server { root /srv/w; }\n", vec![serves("/srv/w")]),
            (Server::Nginx, "user www-data;\n", vec![Statement::RunsAs("www-data".into())]),
            (Server::Nginx, "alias /home/$1/x;\n", vec![Statement::Hidden("/home/$1/x".into())]),
            (Server::Nginx, "#root /srv/w;\n", vec![]),
            (Server::Lighttpd, "server.document-root = \"/srv/l\"\n", vec![serves("/srv/l")]),
            (Server::Vsftpd, "anon_root=/srv/ftp\n", vec![serves("/srv/ftp")]),
            (Server::Proftpd, "DefaultRoot ~\n<Anonymous /srv/ftp>\n", vec![serves("/srv/ftp")]),
            (Server::Samba, "[a]\n path = /srv/s\n; path = /x\n", vec![serves("/srv/s")]),
            (Server::Samba, "path = /home/%U\n", vec![Statement::Hidden("/home/%U".into())]),
            (Server::Nfs, "/srv/n *(ro)\n# /x *\n", vec![serves("/srv/n")]),
            (
                Server::Rsync,
                "uid = nobody\npath = /srv/r\n",
                vec![Statement::RunsAs("nobody".into()), serves("/srv/r")],
            ),
        ] {
            let said: Vec<Statement> =
                read(server, text).into_iter().map(|(_, said)| said).collect();
            assert_eq!(said, want, "{text}");
        }
    }
}
