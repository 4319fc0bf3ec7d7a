//! `--annotation` and `--annotation-file`.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::{
    cli::error::Usage,
    oci::{AnnotationFile, Annotations},
};

/// Annotations of the manifest, the config and the files.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct AnnotationFlags {
    /// Annotation of the manifest; may be given several times
    #[arg(short, long = "annotation", value_name = "KEY=VALUE", help_heading = "Content")]
    annotations: Vec<String>,
    /// JSON file with annotations of the manifest ($manifest), the config ($config) and each file
    #[arg(long, value_name = "FILE", help_heading = "Content")]
    annotation_file: Option<PathBuf>,
}

impl AnnotationFlags {
    /// Reads the flags, and the file if there is one.
    pub(crate) fn load(&self) -> anyhow::Result<AnnotationFile> {
        let file = self.annotation_file.as_ref().filter(|path| !path.as_os_str().is_empty());
        if file.is_some() && !self.annotations.is_empty() {
            anyhow::bail!("`--annotation` and `--annotation-file` cannot be both specified");
        }
        let Some(path) = file else { return Ok(AnnotationFile::of_manifest(parse(&self.annotations)?)) };
        let failed =
            || format!("invalid annotation json file: failed to load annotations from {}", path.display());
        let load = || -> anyhow::Result<AnnotationFile> { Ok(AnnotationFile::parse(&std::fs::read(path)?)?) };
        load().with_context(failed).map_err(|error| {
            Usage::from(error)
                .advice(
                    "Annotation file doesn't match the required format. See docs/push.md for an example"
                        .to_owned(),
                )
                .into()
        })
    }
}

/// Splits `key=value` pairs at the first `=`.
pub(crate) fn parse(pairs: &[String]) -> Result<Annotations, Usage> {
    let mut annotations = Annotations::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Usage::new(format!("missing key in `--annotation` flag: {pair}: annotation value doesn't match the required format"))
                .advice(r#"Please use the correct format in the flag: --annotation "key=value""#.to_owned())
        })?;
        if annotations.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(Usage::new(format!("duplicate annotation key: {key}, ")));
        }
    }
    Ok(annotations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_split_at_its_first_equals_sign() {
        let pairs = ["k=v=w", "e=", "=x"].map(str::to_owned);
        let expected =
            [("", "x"), ("e", ""), ("k", "v=w")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(parse(&pairs).unwrap(), Annotations::from(expected));
        assert!(parse(&["novalue".to_owned()]).is_err());
        assert!(parse(&["k=1".to_owned(), "k=2".to_owned()]).is_err());
    }
}
