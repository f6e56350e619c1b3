//! Tests of the running auth service with all its layers, on PostgreSQL and Redis.
#![expect(clippy::unwrap_used, reason = "a panic in the harness fails the test")]

mod admin;
mod audit;
mod change_password;
mod delete_me;
mod disable_account;
mod export_my_data;
mod faults;
mod get_jwks;
mod get_me;
mod harness;
mod login;
mod login_delay;
mod logout;
mod lost_second_factor;
mod mailbox;
mod mails;
mod mfa;
mod passwords;
mod peers_stub;
mod profile_image;
mod ratings;
mod refresh;
mod register;
mod registered_address;
mod reseal;
mod reset_password;
mod retire_signing_key;
mod secrets;
mod security_events;
mod sessions;
mod start_checks;
mod unverified_accounts;
mod update_me;
mod verify_email;
mod verify_email_proof;
