//! The tests of an image, as the repository of its builder has them: see `tests/image.rs`.
