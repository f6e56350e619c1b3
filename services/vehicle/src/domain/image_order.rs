//! Order of a car's photos.

use super::ImageId;

/// Returns `present` with the photos `front` moved to its front, in their order. `None` when one of them is not present.
pub fn moved_to_front(present: &[ImageId], front: &[ImageId]) -> Option<Vec<ImageId>> {
    if front.iter().any(|id| !present.contains(id)) {
        return None;
    }
    let others = present.iter().filter(|id| !front.contains(id));
    Some(front.iter().chain(others).copied().collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    fn ids(numbers: &[u128]) -> Vec<ImageId> {
        numbers.iter().map(|n| ImageId(Uuid::from_u128(*n))).collect()
    }

    #[rstest]
    #[case(&[3], Some(&[3, 1, 2][..]))]
    #[case(&[2, 1], Some(&[2, 1, 3][..]))]
    #[case(&[3, 2, 1], Some(&[3, 2, 1][..]))]
    #[case(&[], Some(&[1, 2, 3][..]))]
    #[case(&[1, 4], None)]
    fn named_photos_come_first(#[case] front: &[u128], #[case] expected: Option<&[u128]>) {
        assert_eq!(moved_to_front(&ids(&[1, 2, 3]), &ids(front)), expected.map(ids));
    }
}
