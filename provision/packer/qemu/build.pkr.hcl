# Boots a disk image in QEMU, hardens it over ssh, and leaves the hardened image in output_dir.
#
#   packer init . && packer build -var image=FILE -var key=FILE -var binary=FILE .     (1.7 and later)
#   packer build -var image=FILE -var key=FILE -var binary=FILE build.pkr.hcl          (1.6.6)
#
# The key's user must be able to log in: it is in the image already, or a cloud image gets it
# from a seed (-var 'seed=["user-data", "meta-data"]', which needs xorriso on this machine).

variable "image" {
  type        = string
  description = "The disk image to start from; it is copied, not changed."
}
variable "format" {
  type        = string
  description = "Of the hardened image: raw or qcow2."
  default     = "qcow2"
}
variable "output_dir" {
  type        = string
  description = "Must not exist yet."
  default     = "output-gokaku"
}
variable "accelerator" {
  type        = string
  description = "Use kvm where it boots a kernel; tcg runs anywhere, ten times slower."
  default     = "kvm"
}
variable "seed" {
  type        = list(string)
  description = "Files of a NoCloud seed, for an image with cloud-init."
  default     = []
}
variable "offline" {
  type        = bool
  description = "Whether the machine is cut off from the network; hardening needs none."
  default     = true
}
variable "qemuargs" {
  type        = list(list(string))
  description = "More of QEMU's command line, as a kernel for an image without a boot loader."
  default     = []
}
variable "user" {
  type        = string
  description = "Who logs in; needs sudo without a password, unless it is root."
  default     = "ubuntu"
}
variable "key" {
  type        = string
  description = "The private key of that user."
}
variable "binary" {
  type        = string
  description = "The static binary, as provision/build-static.sh makes it."
}
variable "environment" {
  type        = list(string)
  description = "What harden.sh and gokaku read, as GOKAKU_SKIP=1.7.5,5.3.18."
  default     = []
}
variable "evidence" {
  type        = string
  description = "Where the report goes on this machine; written for a failing build, too."
  default     = "gokaku-report.json"
}
variable "upload_dir" {
  type        = string
  description = "Where on the target uploads land. It may be mounted noexec."
  default     = "/tmp"
}
variable "execute_command" {
  type        = string
  description = "How the script is started: by sh, so that no upload has to be executable."
  # harden.sh calls sudo by itself where the user is not root. With a sudo that asks:
  #   echo 'PASSWORD' | sudo -S env {{ .Vars }} sh '{{ .Path }}'
  default = "{{ .Vars }} sh '{{ .Path }}'"
}

locals {
  binary = "${var.upload_dir}/gokaku"
  report = "${var.upload_dir}/gokaku-report.json"
  settings = concat(var.environment, [
    "GOKAKU_BINARY=${var.upload_dir}/gokaku",
    "GOKAKU_REPORT=${var.upload_dir}/gokaku-report.json",
  ])
}

source "qemu" "image" {
  iso_url              = var.image
  iso_checksum         = "none"
  disk_image           = true
  format               = var.format
  output_directory     = var.output_dir
  vm_name              = "gokaku.${var.format}"
  skip_resize_disk     = true
  accelerator          = var.accelerator
  headless             = true
  use_default_display  = true
  disk_interface       = "virtio"
  net_device           = "virtio-net"
  cd_files             = var.seed
  cd_label             = "cidata"
  communicator         = "ssh"
  ssh_username         = var.user
  ssh_private_key_file = var.key
  # Emulated on a busy machine, a boot takes minutes.
  ssh_timeout            = "15m"
  ssh_handshake_attempts = 100
  boot_wait              = "1s"
  shutdown_command       = "if [ $(id -u) = 0 ]; then poweroff; else sudo -n poweroff; fi"
  shutdown_timeout       = "10m"
  qemuargs = concat([
    ["-m", "1024"],
    ["-smp", "2"],
    ["-display", "none"],
    # Only this machine can log in while it is not hardened yet.
    ["-netdev", "user,id=user.0,restrict=${var.offline ? "on" : "off"},hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22"],
  ], var.qemuargs)
}

build {
  sources = ["source.qemu.image"]

  provisioner "file" {
    source      = var.binary
    destination = local.binary
  }
  provisioner "shell" {
    script           = "${path.root}/../../harden.sh"
    environment_vars = concat(local.settings, ["GOKAKU_STEP=harden"])
    execute_command  = var.execute_command
    remote_folder    = var.upload_dir
    # After a dropped connection once more: the script waits for the run that is cut off.
    max_retries = 1
  }
  # Before the verdict: the evidence is wanted most when it is a bad one.
  provisioner "file" {
    direction   = "download"
    source      = local.report
    destination = var.evidence
  }
  provisioner "shell" {
    script           = "${path.root}/../../harden.sh"
    environment_vars = concat(local.settings, ["GOKAKU_STEP=verdict"])
    execute_command  = var.execute_command
    remote_folder    = var.upload_dir
  }
}
