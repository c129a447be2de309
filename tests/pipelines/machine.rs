//! A test root that answers to ssh, in a network of its own.

use std::path::Path;

use crate::support::{self, Ran, have, in_overlay_within, is_root, repository, static_binary};

/// Shell: a user `builder` with a key and sudo, and `sshd_start PORT [TMP_OPTIONS]`, `sshd_stop`:
/// the tree's own sshd, with everything mounted for it in a private namespace. `build …` is
/// `packer build` of the null template.
const MACHINE: &str = r#"
r=$GOKAKU_ROOT
ip link set lo up
ssh-keygen -q -t ed25519 -N '' -f "$OUT/key"
chroot "$r" useradd -m -s /bin/bash builder
for home in root home/builder; do
    mkdir -m 700 "$r/$home/.ssh"
    cp "$OUT/key.pub" "$r/$home/.ssh/authorized_keys"
done
chroot "$r" chown -R builder: /home/builder
echo 'builder ALL=(ALL) NOPASSWD:ALL' >"$r/etc/sudoers.d/90-builder"
chmod 440 "$r/etc/sudoers.d/90-builder"

# Takes the shell's place, so that $! is what everything in there ends with.
inside() {
    exec unshare -m -p -f -u --kill-child --propagation private sh -euc '
        root=$1 options=$2
        shift 2
        hostname standin
        mount --bind "$root" "$root"
        cd "$root"
        mount -t proc proc proc
        mount -t tmpfs -o mode=755 tmpfs run
        mount -t tmpfs -o "mode=1777$options" tmpfs tmp
        mount --rbind /dev dev
        mkdir -m 755 run/sshd
        exec chroot . "$@"
    ' sh "$r" "$@"
}
sshd_start() {
    inside "${2:-}" /usr/sbin/sshd -D -e -p "$1" -o ListenAddress=127.0.0.1 2>>"$OUT/sshd.log" &
    sshd=$!
}
# With the process that made the namespaces everything in them ends.
sshd_stop() {
    kill -9 "$sshd"
    wait "$sshd" || :
}

build() {
    log=$1 port=$2
    shift 2
    status=0
    packer build -color=false -var host=127.0.0.1 -var "port=$port" -var "key=$OUT/key" \
        -var "binary=$GOKAKU_STATIC" "$@" "$TEMPLATE" >"$OUT/$log" 2>&1 || status=$?
    echo "$status" >"$OUT/$log.status"
}
"#;

/// Runs a script beside such a machine. `None`: not possible here, said loudly.
pub fn beside_machine(test: &str, script: &str) -> Option<Ran> {
    let programs = ["packer:packer", "ssh-keygen:openssh-client", "ip:iproute2"];
    if !is_root(test, "start sshd in a test root") || !have(test, &programs) {
        return None;
    }
    let (binary, root) = (static_binary(test)?, support::root(test)?);
    let set = |name: &str, value: &Path| format!("export {name}='{}'\n", value.display());
    let script = [
        set("GOKAKU_STATIC", &binary),
        set("TEMPLATE", &repository("provision/packer/null/build.pkr.hcl")),
        set("HARDEN", &repository("provision/harden.sh")),
        // No look for newer versions, and nothing into the caller's home.
        "export CHECKPOINT_DISABLE=1 HOME=\"$OUT\"\n".into(),
        MACHINE.into(),
        script.into(),
    ]
    .concat();
    in_overlay_within(test, &root, &["unshare", "-n", "-p", "-f", "--kill-child"], &script)
}
