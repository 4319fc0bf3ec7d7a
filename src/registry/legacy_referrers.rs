//! Referrers by the two APIs from before the specification had one.
//!
//! They list artifact manifests of the CNCF ORAS project, which no tag lists. Registries that never had
//! them answer 404, or anything else: what goes wrong here never fails a command.

use std::time::Duration;

use super::{
    Result,
    http::{StatusCode, header},
    referrer_pages::{Member, of_type},
    referrers::Support,
    repository::Inner,
    retry::Repeat,
    transport::Request,
};
use crate::oci::{Descriptor, Digest};

/// How long one of these APIs may take for a list; a front end that does not know the path may never answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is known of the older APIs of a repository.
#[derive(Default)]
pub(crate) struct Older {
    extension: Support,
    alpha: Support,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    /// `/v2/<name>/_oras/artifacts/referrers`
    Extension,
    /// `/oras/artifacts/v1/<name>/manifests/<digest>/referrers`
    Alpha,
}

impl Inner {
    /// Lists the referrers that the older APIs know: those of the newer one of the two, if it is there.
    pub(crate) async fn referrers_by_older_apis(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Vec<Descriptor> {
        for (api, support) in [(Api::Extension, &self.older.extension), (Api::Alpha, &self.older.alpha)] {
            if support.known() == Some(false) {
                continue;
            }
            let asking = self.ask_older_twice(api, subject, artifact_type);
            let asked = tokio::time::timeout(PATIENCE, asking).await;
            let reason = match asked {
                Ok(Ok(listed)) => {
                    support.learn(true);
                    return of_type(listed, artifact_type);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer after {} seconds", PATIENCE.as_secs()),
            };
            if support.known() == Some(true) {
                // It has worked before, so there may be referrers that are missing now.
                self.client.notice(&format!(
                    "{} could not list all referrers of {subject}: {reason}",
                    self.full_name()
                ));
                continue;
            }
            support.learn(false);
            self.client.detail(&format!("{} has no {} of referrers: {reason}", self.full_name(), api.name()));
        }
        Vec::new()
    }

    /// A connection that breaks says nothing about what is there.
    async fn ask_older_twice(
        &self,
        api: Api,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        match self.ask_older(api, subject, artifact_type).await {
            Err(error) if error.transport().is_some() => self.ask_older(api, subject, artifact_type).await,
            asked => asked,
        }
    }

    async fn ask_older(
        &self,
        api: Api,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let endpoint = self.client.endpoint();
        let subject = subject.to_string();
        let url = match api {
            Api::Extension => endpoint.oras_extension(&self.name, &subject, artifact_type),
            Api::Alpha => endpoint.oras_alpha(&self.name, &subject, artifact_type),
        };
        let member = Member::Named(api.member());
        let mut request = Request::get(url).header(header::ACCEPT, member.media_type());
        // Whether the API is there is not worth a wait.
        request.repeat = Repeat::Never;
        let response = self.client.expect(request, &self.scopes, &[StatusCode::OK]).await?;
        if api == Api::Extension && !response.header("oras-api-version").is_none_or(is_known_version) {
            return Err(response.protocol("the version of the API is not known"));
        }
        if response.origin != *endpoint.origin() {
            return Err(response.protocol("another host answers"));
        }
        Ok(self.read_pages(response, member).await?.entries)
    }
}

impl Api {
    fn name(self) -> &'static str {
        match self {
            Self::Extension => "_oras extension API",
            Self::Alpha => "oras/artifacts/v1 API",
        }
    }

    fn member(self) -> &'static str {
        match self {
            Self::Extension => "referrers",
            Self::Alpha => "references",
        }
    }
}

/// Is this `oras/1.` with a number?
fn is_known_version(text: &str) -> bool {
    let minor = text.trim().strip_prefix("oras/1.").unwrap_or_default();
    let is_number = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (minor == "0" || !minor.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_minor_version_of_the_extension_is_known() {
        for (text, known) in [
            ("oras/1.0", true),
            (" oras/1.12 ", true),
            ("oras/1.01", false),
            ("oras/1.", false),
            ("oras/1.x", false),
            ("oras/2.0", false),
            ("oras/1.0.1", false),
            ("", false),
        ] {
            assert_eq!(is_known_version(text), known, "{text}");
        }
    }
}
