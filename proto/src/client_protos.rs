//! The contract as app developers need it: `.proto` files that import nothing but `google/protobuf`.
//!
//! They have the RPCs that clients may call, the messages and enums of these, and the error reasons, with comments and with the options of
//! `google.protobuf` such as `go_package`. Custom options (`carshare.options`, `google.api.http`, `buf.validate`) are left out, so that a
//! generator needs no further files. Names and numbers are those of the contract.

mod options;
mod print;
mod selection;

use crate::DESCRIPTOR_POOL;
use selection::Selection;

/// A `.proto` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientProto {
    /// Path below the root of imports: `carshare/booking/v1/booking.proto`.
    pub path: String,
    pub text: String,
}

/// Prints the files, sorted by path. A file of which clients need nothing is left out.
pub fn files() -> Vec<ClientProto> {
    let selection = Selection::of_clients();
    let mut files: Vec<ClientProto> = DESCRIPTOR_POOL
        .files()
        .filter(|file| file.package_name().starts_with("carshare."))
        .filter_map(|file| {
            let text = print::file(&file, &selection)?;
            let path = file.name().to_owned();
            Some(ClientProto { path, text })
        })
        .collect();
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

#[cfg(test)]
mod tests;
