//! What was found and done, as data and as text.
