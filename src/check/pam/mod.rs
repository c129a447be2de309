//! PAM: the stacks that services run, and what is asked of a new password.

pub(crate) mod account;
pub(crate) mod changes;
pub(crate) mod messages;
pub mod pam_pwquality;
pub mod pam_sha512;
pub(in crate::check) mod pam_stack;
pub mod pwquality;
