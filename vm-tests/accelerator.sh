#!/bin/sh
# accelerator.sh KERNEL_DIR INITRD: prints `kvm` if a kernel really boots under KVM, else `tcg`
# (emulation). A /dev/kvm that opens is no proof: on some machines nothing boots under it.
set -eu

"$(dirname "$0")/../provision/need.sh" qemu-system-x86_64:qemu-system-x86
# In a process of its own: some QEMUs abort, and the shell that waits for one says so.
boots_under_kvm() (
    exec 2>/dev/null
    timeout -k 1 20 qemu-system-x86_64 -accel kvm -cpu host -m 256 -nodefaults -display none \
        -monitor none -no-reboot -serial stdio -kernel "$1/vmlinuz" -initrd "$2" \
        -append "console=ttyS0 panic=-1 quiet job.hello=1" </dev/null |
        grep -q 'test machine: hello'
)
if [ -w /dev/kvm ] && boots_under_kvm "$1" "$2"; then echo kvm; else echo tcg; fi
