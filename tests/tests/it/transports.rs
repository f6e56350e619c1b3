//! The same mesh over every protocol that the gateway speaks.

mod booking;
mod pages;
mod reflection;
