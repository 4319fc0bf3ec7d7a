//! Columns that line up.

/// A table of two columns under a heading; the first is as wide as its widest cell, then three blanks.
pub(crate) fn two_columns(heading: [&str; 2], rows: &[[String; 2]]) -> Vec<String> {
    let cells = rows.iter().map(|row| row[0].chars().count());
    let width = cells.chain([heading[0].chars().count()]).max().unwrap_or_default();
    let line = |first: &str, second: &str| {
        format!("{first}{}   {second}", " ".repeat(width - first.chars().count()))
    };
    let rows = rows.iter().map(|[first, second]| line(first, second));
    std::iter::once(line(heading[0], heading[1])).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_column_is_as_wide_as_its_widest_cell() {
        let rows =
            [["sig/a".to_owned(), "1".to_owned()], ["a-much-longer-type/b".to_owned(), "2".to_owned()]];
        assert_eq!(
            two_columns(["Artifact Type", "Digest"], &rows),
            ["Artifact Type          Digest", "sig/a                  1", "a-much-longer-type/b   2"]
        );
    }
}
