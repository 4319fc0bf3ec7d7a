#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oras::fuzz::run("annotations", data));
