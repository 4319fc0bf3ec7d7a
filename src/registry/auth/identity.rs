//! Who we are to a repository, asked of the store and of the environment.

use std::sync::Arc;

use super::{Authenticator, error::AuthError};
use crate::{
    credentials::{Credential, Found, Login},
    registry::{Result, acr},
};

impl Authenticator {
    /// Who we are to a repository. Looked up once.
    pub(super) async fn login(&self, repository: &str) -> Result<Option<Arc<Login>>> {
        let mut logins = self.logins.lock().await;
        if let Some(known) = logins.get(repository) {
            return Ok(known.clone());
        }
        let options = &self.transport.options().auth;
        let mut found = match &options.store {
            Some(store) => store.get(&self.host, repository).await.map_err(AuthError::from)?,
            None => None,
        };
        if found.is_none() {
            found = self.ambient().await;
        }
        logins.insert(repository.to_owned(), found.clone());
        Ok(found)
    }

    /// Asks the store once more after its answer was refused.
    pub(super) async fn ask_again(&self, repository: &str, refused: &Login) -> Result<Option<Arc<Login>>> {
        let mut logins = self.logins.lock().await;
        // Somebody else may have asked already.
        let current = logins.get(repository).cloned().flatten();
        if let Some(current) = current.filter(|current| current.credential != refused.credential) {
            return Ok(Some(current));
        }
        if !self.notes().renewed.insert(refused.credential.fingerprint()) {
            return Ok(None);
        }
        let renewed = match (&refused.origin, &self.transport.options().auth.store) {
            (Found::Ambient { .. }, _) => self.ambient().await,
            (_, Some(store)) => {
                store.renew(&self.host, repository, refused).await.map_err(AuthError::from)?
            }
            (_, None) => None,
        };
        if let Some(renewed) = &renewed {
            // What is new has had its second chance with this.
            self.notes().renewed.insert(renewed.credential.fingerprint());
            logins.insert(repository.to_owned(), Some(Arc::clone(renewed)));
        }
        Ok(renewed)
    }

    /// The identity of the environment, for an Azure registry, if the user allowed that.
    async fn ambient(&self) -> Option<Arc<Login>> {
        let azure = self.transport.options().auth.azure.as_ref().filter(|_| self.is_azure())?;
        match acr::ambient(azure, &self.transport, &self.host).await {
            Ok((kind, token)) => {
                let credential = Credential::identity_token(token.expose());
                Some(Arc::new(Login { credential, origin: Found::Ambient { kind } }))
            }
            Err(error) => {
                self.tell_text(error.to_string());
                None
            }
        }
    }

    pub(super) fn is_azure(&self) -> bool {
        acr::is_registry(self.transport.home(), self.transport.options().auth.azure.as_ref())
    }
}
