//! Prints `docs/errors.md`: `make docs`.

fn main() {
    print!("{}", carshare_proto::errors::markdown());
}
