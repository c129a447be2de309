//! Wants from the words of a profile, with their data looked at as the loader of profiles does.

use serde::de::DeserializeOwned;

use crate::check::{Check, Primitive};

/// A want in its own words, as `service = { … }`.
pub(in crate::check) fn check(want: &str) -> Check {
    try_check(want).unwrap_or_else(|e| panic!("{want}: {e}"))
}

/// As [`check`], with what the embedded profile's head adds, or what is wrong with the words.
pub(in crate::check) fn try_check(want: &str) -> Result<Check, String> {
    let check = crate::profile::want(want)?;
    check.primitive().check_data().map_err(|bad| bad.to_string())?;
    Ok(check)
}

/// A primitive from the value of its TOML key.
pub(in crate::check) fn parse<T: DeserializeOwned + Primitive>(value: &str) -> Result<T, String> {
    checked(parse_field(value)?)
}

/// A primitive from its fields, a line each.
pub(in crate::check) fn parse_fields<T>(fields: &str) -> Result<T, String>
where
    T: DeserializeOwned + Primitive,
{
    checked(toml::from_str(fields).map_err(|e| e.to_string())?)
}

/// One field of a primitive.
pub(in crate::check) fn parse_field<T: DeserializeOwned>(value: &str) -> Result<T, String> {
    #[derive(serde::Deserialize)]
    struct Holder<T> {
        field: T,
    }
    let holder: Result<Holder<T>, _> = toml::from_str(&format!("field = {value}"));
    holder.map(|h| h.field).map_err(|e| e.to_string())
}

fn checked<T: Primitive>(want: T) -> Result<T, String> {
    want.check_data().map_err(|bad| bad.to_string())?;
    Ok(want)
}
