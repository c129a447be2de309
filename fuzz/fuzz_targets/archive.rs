#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gokaku_fuzz::archive::run(data));
