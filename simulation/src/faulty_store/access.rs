//! The commands about who uses Tandem.

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    AccessStore, Act, ActFilter, NewAct, Result, SessionRow, TokenRow, UserRow, Workspace,
};

use super::FaultyStore;

#[async_trait]
impl AccessStore for FaultyStore {
    async fn users(&self, workspace: &Workspace) -> Result<Vec<UserRow>> {
        reads!(self, users(workspace))
    }

    async fn save_user(
        &self,
        workspace: &Workspace,
        user: &UserRow,
        end_sessions: bool,
    ) -> Result<()> {
        stores!(self, save_user(workspace, user, end_sessions))
    }

    async fn remove_user(&self, workspace: &Workspace, name: &str) -> Result<()> {
        stores!(self, remove_user(workspace, name))
    }

    async fn sessions(&self, workspace: &Workspace) -> Result<Vec<SessionRow>> {
        reads!(self, sessions(workspace))
    }

    async fn add_session(
        &self,
        workspace: &Workspace,
        session: &SessionRow,
        now: Timestamp,
    ) -> Result<()> {
        stores!(self, add_session(workspace, session, now))
    }

    async fn end_session(&self, workspace: &Workspace, hash: &str) -> Result<()> {
        stores!(self, end_session(workspace, hash))
    }

    async fn tokens(&self, workspace: &Workspace) -> Result<Vec<TokenRow>> {
        reads!(self, tokens(workspace))
    }

    async fn add_token(&self, workspace: &Workspace, token: &TokenRow) -> Result<bool> {
        stores!(self, add_token(workspace, token))
    }

    async fn remove_token(&self, workspace: &Workspace, name: &str) -> Result<bool> {
        stores!(self, remove_token(workspace, name))
    }

    async fn token_used(&self, workspace: &Workspace, name: &str, at: Timestamp) -> Result<()> {
        stores!(self, token_used(workspace, name, at))
    }

    async fn record_act(&self, workspace: &Workspace, act: &NewAct) -> Result<()> {
        stores!(self, record_act(workspace, act))
    }

    async fn acts(&self, workspace: &Workspace, filter: &ActFilter) -> Result<Vec<Act>> {
        reads!(self, acts(workspace, filter))
    }
}
