//! Prints `docs/errors.md` from the contract: `make docs`.

fn main() {
    print!("{}", carshare_proto::errors::markdown());
}
