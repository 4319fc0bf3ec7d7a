//! What must hold for any bytes that are read as `index.json`.

use super::index_file::IndexFile;

/// What is written is read as the same list.
pub(crate) fn index_file(data: &[u8]) {
    let Ok(index) = IndexFile::parse(data) else { return };
    let written = index.to_bytes();
    let again = IndexFile::parse(&written).expect("it was written by us");
    assert_eq!(again.to_bytes(), written);
    let sorted = again.sorted().to_bytes();
    assert_eq!(IndexFile::parse(&sorted).expect("it was written by us").sorted().to_bytes(), sorted);
}
