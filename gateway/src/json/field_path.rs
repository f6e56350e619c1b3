//! Path of a field in a message, written as `buf.validate` writes it: `items[2].name`, `data["key"]`.

use std::fmt;

/// One step of a path, linked to the step before. It lives on the stack of the decoder and is formatted for errors only.
#[derive(Clone, Copy, Debug)]
pub(super) enum FieldPath<'a> {
    Root,
    /// A field of a message.
    Field(&'a FieldPath<'a>, &'a str),
    /// An element of a list.
    Index(&'a FieldPath<'a>, usize),
    /// A value of a map.
    Key(&'a FieldPath<'a>, &'a str),
}

impl FieldPath<'_> {
    /// Returns the number of steps from the root.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Field(parent, _) | Self::Index(parent, _) | Self::Key(parent, _) => 1 + parent.depth(),
        }
    }
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(FieldPath::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, key) => write!(f, "{parent}[{key:?}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_formatted_as_the_validator_does() {
        let items = FieldPath::Field(&FieldPath::Root, "items");
        let third = FieldPath::Index(&items, 2);
        let data = FieldPath::Field(&third, "data");
        let entry = FieldPath::Key(&data, "a\"b");
        assert_eq!(entry.to_string(), r#"items[2].data["a\"b"]"#);
        assert_eq!((entry.depth(), FieldPath::Root.to_string()), (4, String::new()));
    }
}
