# For Packer 1.7 and later: `packer init .` in this directory fetches the plugin. Packer 1.6 has
# it built in and does not know this block; give it build.pkr.hcl alone.
packer {
  required_plugins {
    azure = {
      source  = "github.com/hashicorp/azure"
      version = ">= 1.0.0"
    }
  }
}
