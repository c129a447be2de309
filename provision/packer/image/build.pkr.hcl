# Hardens a disk image without starting it: mounted by provision/harden-image.sh on this machine,
# which must be Linux, as root. No plugin is needed, and no ssh.
#
#   packer build -var image=FILE -var binary=FILE build.pkr.hcl
#
# The same provisioner serves as post-processor "shell-local" after a builder that leaves an image.

variable "image" {
  type        = string
  description = "A raw or qcow2 image; it is changed."
}
variable "binary" {
  type        = string
  description = "The static binary, as provision/build-static.sh makes it."
}
variable "environment" {
  type        = list(string)
  description = "What harden-image.sh and gokaku read, as GOKAKU_SKIP=1.7.5,5.3.18."
  default     = []
}
variable "evidence" {
  type        = string
  description = "Where the report goes; written for a failing build, too."
  default     = "gokaku-report.json"
}

source "null" "image" {
  communicator = "none"
}

build {
  sources = ["source.null.image"]

  provisioner "shell-local" {
    environment_vars = concat(var.environment, [
      "GOKAKU_BINARY=${var.binary}",
      "GOKAKU_REPORT=${var.evidence}",
      "IMAGE=${var.image}",
    ])
    inline = ["${path.root}/../../harden-image.sh \"$IMAGE\""]
  }
}
