# Makes a hardened managed image on Azure from the published Ubuntu 18.04 image, as a builder of
# AKS node images does: a virtual machine, hardened over ssh, deprovisioned and captured.
#
#   packer init . && packer build -var-file=azure.pkrvars.hcl -var binary=FILE .      (1.7 and later)
#   packer build -var-file=azure.pkrvars.hcl -var binary=FILE build.pkr.hcl           (1.6.6)
#
# Checked with `packer validate` of 1.6.6; it has not been run against Azure.

variable "subscription_id" {
  type    = string
  default = env("ARM_SUBSCRIPTION_ID")
}
variable "tenant_id" {
  type    = string
  default = env("ARM_TENANT_ID")
}
variable "client_id" {
  type        = string
  description = "Of the service principal; empty on a machine with a managed identity."
  default     = env("ARM_CLIENT_ID")
}
variable "client_secret" {
  type      = string
  sensitive = true
  default   = env("ARM_CLIENT_SECRET")
}
variable "location" {
  type    = string
  default = "westeurope"
}
variable "resource_group" {
  type        = string
  description = "Where the image is put; must exist."
}
variable "image_name" {
  type = string
}
variable "vm_size" {
  type    = string
  default = "Standard_D2s_v3"
}
variable "source_image" {
  type        = object({ publisher = string, offer = string, sku = string, version = string })
  description = "What to start from."
  default = {
    publisher = "Canonical"
    offer     = "UbuntuServer"
    sku       = "18.04-LTS"
    version   = "latest"
  }
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

source "azure-arm" "node" {
  subscription_id = var.subscription_id
  tenant_id       = var.tenant_id
  client_id       = var.client_id
  client_secret   = var.client_secret

  location                          = var.location
  vm_size                           = var.vm_size
  os_type                           = "Linux"
  image_publisher                   = var.source_image.publisher
  image_offer                       = var.source_image.offer
  image_sku                         = var.source_image.sku
  image_version                     = var.source_image.version
  managed_image_name                = var.image_name
  managed_image_resource_group_name = var.resource_group

  # Packer makes a user of its own with a fresh key and sudo without a password.
  communicator = "ssh"
  ssh_timeout  = "15m"
}

build {
  sources = ["source.azure-arm.node"]

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
  # Last of all, over the connection that is there: it removes Packer's own user.
  provisioner "shell" {
    inline          = ["/usr/sbin/waagent -force -deprovision+user && export HISTSIZE=0 && sync"]
    inline_shebang  = "/bin/sh -x"
    execute_command = "{{ .Vars }} sudo -n sh '{{ .Path }}'"
    remote_folder   = var.upload_dir
    skip_clean      = true
  }
}
