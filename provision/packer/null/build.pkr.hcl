# Hardens a machine that is there already and answers to ssh.
#
#   packer build -var host=ADDRESS -var user=NAME -var key=FILE -var binary=FILE build.pkr.hcl
#
# No plugin is needed, and Packer 1.6.6 and later run it as it is.

variable "host" {
  type = string
}
variable "port" {
  type    = number
  default = 22
}
variable "user" {
  type    = string
  default = "ubuntu"
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

source "null" "machine" {
  communicator         = "ssh"
  ssh_host             = var.host
  ssh_port             = var.port
  ssh_username         = var.user
  ssh_private_key_file = var.key
  ssh_timeout          = "5m"
}

build {
  sources = ["source.null.machine"]

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
