//! `--format` and `--template`.

use crate::cli::{
    error::Usage,
    output::{Format, Printer},
};

/// The form of the result.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct FormatFlags {
    /// [Experimental] Form of the result: text, json, go-template or go-template=TEMPLATE
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<String>,
    /// [Experimental] Template for `--format go-template`
    #[arg(long, value_name = "TEMPLATE", help_heading = "Output")]
    template: Option<String>,
}

/// The formats that a command knows besides `json` and `go-template`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formats {
    /// Text only.
    Text,
    /// The tree and table of discover.
    TreeAndTable,
}

impl FormatFlags {
    /// Is `--format` given, with any value?
    pub(crate) fn is_given(&self) -> bool {
        self.format.is_some()
    }

    /// Is anything but text asked for?
    pub(crate) fn is_not_text(&self) -> bool {
        self.format.as_deref().is_some_and(|format| format != "text")
    }

    /// Replaces `--format` by what a deprecated flag says.
    pub(crate) fn set(&mut self, format: String) {
        self.format = Some(format);
    }

    /// Checks the flags and compiles the template.
    pub(crate) fn parse(&self, formats: Formats, printer: &Printer) -> anyhow::Result<Format> {
        let default = if formats == Formats::Text { "text" } else { "tree" };
        let text = self.format.as_deref().unwrap_or(default);
        if text == "table" {
            printer.notice("Format \"table\" is deprecated and will be removed in a future release.");
        }
        let (name, inline) =
            text.split_once('=').map_or((text, None), |(name, template)| (name, Some(template)));
        let template = self.template.as_deref().filter(|template| !template.is_empty());
        let format = match (name, inline, formats) {
            ("go-template", None, _) => {
                let template = template.ok_or_else(|| {
                    Usage::new("`--format go-template` specified but no template given")
                        .advice("use `--format go-template=TEMPLATE` to specify the template".to_owned())
                })?;
                return Ok(printer.template(template)?);
            }
            ("go-template", Some(""), _) => {
                return Err(Usage::new("`--format go-template` specified but no template given")
                    .advice("use `--format go-template=TEMPLATE` to specify the template".to_owned())
                    .into());
            }
            ("go-template", Some(inline), _) if template.is_none() => {
                return Ok(printer.template(inline)?);
            }
            ("go-template", Some(_), _) => Format::Text,
            ("json", None, _) => Format::Json,
            ("text", None, Formats::Text) => Format::Text,
            ("tree", None, Formats::TreeAndTable) => Format::Tree,
            ("table", None, Formats::TreeAndTable) => Format::Table,
            _ => {
                let known = match formats {
                    Formats::Text => "json, go-template, text",
                    Formats::TreeAndTable => "table, json, go-template, tree",
                };
                return Err(Usage::new(format!("invalid format type: {text:?}"))
                    .advice(format!("supported types: {known}"))
                    .into());
            }
        };
        if template.is_some() {
            anyhow::bail!("--template must be used with --format go-template");
        }
        Ok(format)
    }
}
