//! The layer `aks-node` over the table.

use gokaku::profile::{Profile, Request};

/// The embedded layer, merged, without a complaint.
pub fn merged() -> Profile {
    let request = Request { profiles: vec!["aks-node".into()], ..Request::default() };
    let profile = request.load().unwrap().profile;
    assert!(profile.warnings.is_empty(), "{:?}", profile.warnings);
    profile
}
