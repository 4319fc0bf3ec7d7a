//! Pushing an artifact that is attached to something, to registries of all generations.

use std::sync::Arc;

use super::{context::Context, error::Usage};
use crate::{
    content::{Source, Target},
    oci::Digest,
    ops::{
        self,
        pack::{self, Form, Packed},
    },
    progress::Progress,
    registry,
};

/// Pushes an artifact. Registries of the time of the OCI artifact manifest take the subject of an image manifest
/// for a blob that is missing; what is attached there becomes an artifact manifest, and a line says so.
///
/// # Errors
/// The manifest cannot be packed, or content could not be read or written.
pub(crate) async fn push(
    context: &Context,
    files: Arc<dyn Source>,
    target: Arc<dyn Target>,
    mut options: ops::push::Options,
    progress: Arc<dyn Progress>,
) -> ops::Result<Packed> {
    let pushed = ops::push::push(files.clone(), target.clone(), options.clone(), progress.clone()).await;
    let Err(error) = pushed else { return pushed };
    let subject = options.pack.subject.as_ref().map(|subject| subject.digest.clone());
    if !may_fall_back(&options.pack) || !subject.is_some_and(|subject| is_taken_for_a_blob(&error, &subject))
    {
        return Err(error);
    }
    options.pack.form = Form::Artifact;
    // What the registry said first is what there is to say, if this fails as well.
    let packed = ops::push::push(files, target, options, progress).await.map_err(|_| error)?;
    context
        .printer
        .notice("registry rejected an image manifest with a subject; attached as an OCI artifact manifest");
    Ok(packed)
}

/// Can an artifact manifest say what the image manifest said?
fn may_fall_back(options: &pack::Options) -> bool {
    options.form == Form::Image && matches!(options.config, pack::Config::None)
}

fn is_taken_for_a_blob(error: &ops::Error, subject: &Digest) -> bool {
    let ops::Error::Content(error) = error else { return false };
    let response = error.store_error::<registry::Error>().and_then(registry::Error::response);
    response.is_some_and(|response| response.misses_blob(subject))
}

/// Checks whether a form can hold what is asked for.
pub(crate) fn check_form(form: Form, has_config: bool, has_type: bool) -> Result<(), Usage> {
    match form {
        Form::Artifact | Form::OrasArtifact if has_config => {
            Err(Usage::new("cannot build an OCI artifact with manifest config"))
        }
        Form::ImageV1_0 if has_config && has_type => {
            Err(Usage::new("--artifact-type and --config cannot both be provided for 1.0 OCI image"))
        }
        _ => Ok(()),
    }
}
