//! Lists: requests with the fields `page_size` and `page_token` of AIP-158.

/// Request for a page of a list. Implemented by the build script for every message with both fields.
pub trait ListRequest: prost::Message {
    /// Full protobuf name of the message.
    const NAME: &'static str;

    /// Takes the fields of the page out of the request. What is left is the filter and the order of the list.
    fn take_page(&mut self) -> PageFields;
}

/// Fields of a list request that select a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageFields {
    pub page_size: i32,
    pub page_token: String,
    /// False if the request has no such field: the list has no total.
    pub include_total: bool,
}

include!(concat!(env!("OUT_DIR"), "/lists.rs"));
