//! Tests of the library against servers, of the binary, and of the shape of the code.

// `cfg(test)` tells the lints that this is test code, helpers included.
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod interop;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod protocol_rules;
#[cfg(test)]
mod reliability;
#[cfg(test)]
mod support;
