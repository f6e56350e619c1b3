//! Lists: requests with the fields `page_size` and `page_token` of AIP-158.

/// Request for a page of a list. Implemented by the build script for every message with both fields.
pub trait ListRequest: prost::Message {
    /// Full protobuf name of the message.
    const NAME: &'static str;

    /// Takes `page_size` and `page_token` out of the request. What is left is the filter of the list.
    fn take_page(&mut self) -> (i32, String);
}

include!(concat!(env!("OUT_DIR"), "/lists.rs"));
