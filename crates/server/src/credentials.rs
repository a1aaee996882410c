//! Sealed credentials in the store, as the connections see them.

use std::sync::Arc;

use async_trait::async_trait;
use connections::{CredentialStore, CredentialStoreError};
use store::{ConnectionName, CredentialRow, Saved, Store, Workspace};

/// The credentials of one workspace.
pub struct StoredCredentials {
    store: Arc<dyn Store>,
    workspace: Workspace,
}

impl StoredCredentials {
    /// Those of this workspace.
    pub fn new(store: Arc<dyn Store>, workspace: Workspace) -> Self {
        Self { store, workspace }
    }
}

#[async_trait]
impl CredentialStore for StoredCredentials {
    async fn load(
        &self,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>, CredentialStoreError> {
        self.store
            .credentials(&self.workspace, connection)
            .await
            .map_err(|error| CredentialStoreError(error.to_string()))
    }

    async fn save_if_version(
        &self,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved, CredentialStoreError> {
        self.store
            .save_credentials(&self.workspace, connection, sealed, expected)
            .await
            .map_err(|error| CredentialStoreError(error.to_string()))
    }

    async fn still_ours(&self) -> Result<(), CredentialStoreError> {
        self.store
            .still_ours()
            .await
            .map_err(|error| CredentialStoreError(error.to_string()))
    }
}
