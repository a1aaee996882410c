//! People, sessions, tokens, and what each of them did.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{ToSql, params};

use super::{
    SqlStore,
    codes::Code,
    database::Row,
    fault::Outcome,
    session::{Session, limit, maybe_time, micros, time},
    tally::{self, Count},
};
use crate::{
    AccessStore, Act, ActFilter, NewAct, Result, Scope, SessionRow, TokenRow, UserRow, Workspace,
};

fn users(session: &Session, workspace: &Workspace) -> Outcome<Vec<UserRow>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    session
        .sql(
            "SELECT name, role, created, password, password_since, link, link_ends, signed_in
             FROM person WHERE ws = ?1 ORDER BY name",
        )?
        .query_map(params![ws], |row| {
            Ok(UserRow {
                name: row.get(0)?,
                role: Code::of_code(row.get(1)?)?,
                created: time(row.get(2)?)?,
                password: dated(row, 3)?,
                link: dated(row, 5)?,
                signed_in: maybe_time(row.get(7)?)?,
            })
        })?
        .collect()
}

/// A text and, in the next column, its time.
fn dated(row: Row<'_>, column: usize) -> Outcome<Option<(String, Timestamp)>> {
    let text: Option<String> = row.get(column)?;
    let at = maybe_time(row.get(column + 1)?)?;
    Ok(text.zip(at))
}

fn save_user(
    session: &Session,
    workspace: &Workspace,
    user: &UserRow,
    end_sessions: bool,
) -> Outcome<()> {
    let ws = session.workspace(workspace)?;
    let text = |dated: &Option<(String, Timestamp)>| dated.as_ref().map(|(text, _)| text.clone());
    let at = |dated: &Option<(String, Timestamp)>| dated.as_ref().map(|(_, at)| micros(*at));
    session
        .sql(
            "INSERT INTO person (ws, name, role, created, password, password_since, link, link_ends, signed_in)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (ws, name) DO UPDATE SET role = excluded.role, created = excluded.created,
                 password = excluded.password, password_since = excluded.password_since,
                 link = excluded.link, link_ends = excluded.link_ends, signed_in = excluded.signed_in",
        )?
        .execute(params![
            ws,
            user.name,
            user.role.code(),
            micros(user.created),
            text(&user.password),
            at(&user.password),
            text(&user.link),
            at(&user.link),
            user.signed_in.map(micros)
        ])?;
    if end_sessions {
        session
            .sql("DELETE FROM session WHERE ws = ?1 AND person = ?2")?
            .execute(params![ws, user.name])?;
    }
    Ok(())
}

fn remove_user(session: &Session, workspace: &Workspace, name: &str) -> Outcome<()> {
    let ws = session.workspace(workspace)?;
    for sql in [
        "DELETE FROM session WHERE ws = ?1 AND person = ?2",
        "DELETE FROM token WHERE ws = ?1 AND person = ?2",
        "DELETE FROM person WHERE ws = ?1 AND name = ?2",
    ] {
        session.sql(sql)?.execute(params![ws, name])?;
    }
    Ok(())
}

fn sessions(session: &Session, workspace: &Workspace) -> Outcome<Vec<SessionRow>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    session
        .sql("SELECT hash, person, since, ends FROM session WHERE ws = ?1 ORDER BY ends, hash")?
        .query_map(params![ws], |row| {
            Ok(SessionRow {
                hash: row.get(0)?,
                user: row.get(1)?,
                since: time(row.get(2)?)?,
                ends: time(row.get(3)?)?,
            })
        })?
        .collect()
}

fn add_session(
    session: &Session,
    workspace: &Workspace,
    row: &SessionRow,
    now: Timestamp,
) -> Outcome<()> {
    let ws = session.workspace(workspace)?;
    session
        .sql("DELETE FROM session WHERE ws = ?1 AND ends <= ?2")?
        .execute(params![ws, micros(now)])?;
    session
        .sql("INSERT INTO session (ws, hash, person, since, ends) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            ws,
            row.hash,
            row.user,
            micros(row.since),
            micros(row.ends)
        ])?;
    Ok(())
}

fn tokens(session: &Session, workspace: &Workspace) -> Outcome<Vec<TokenRow>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    session
        .sql(
            "SELECT name, hash, scopes, person, created, ends, used FROM token
             WHERE ws = ?1 ORDER BY name",
        )?
        .query_map(params![ws], |row| {
            Ok(TokenRow {
                name: row.get(0)?,
                hash: row.get(1)?,
                scopes: scopes_of(row.get(2)?),
                user: row.get(3)?,
                created: time(row.get(4)?)?,
                ends: maybe_time(row.get(5)?)?,
                used: maybe_time(row.get(6)?)?,
            })
        })?
        .collect()
}

fn add_token(session: &Session, workspace: &Workspace, token: &TokenRow) -> Outcome<bool> {
    let ws = session.workspace(workspace)?;
    let added = session
        .sql(
            "INSERT INTO token (ws, name, hash, scopes, person, created, ends, used)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (ws, name) DO NOTHING",
        )?
        .execute(params![
            ws,
            token.name,
            token.hash,
            mask(&token.scopes),
            token.user,
            micros(token.created),
            token.ends.map(micros),
            token.used.map(micros)
        ])?;
    Ok(added == 1)
}

fn mask(scopes: &[Scope]) -> i64 {
    scopes
        .iter()
        .fold(0, |mask, scope| mask | 1 << scope.code())
}

/// The scopes in a mask; bits of newer versions give nothing.
fn scopes_of(mask: i64) -> Vec<Scope> {
    Scope::ALL
        .into_iter()
        .filter(|scope| mask & 1 << scope.code() != 0)
        .collect()
}

fn record(session: &Session, workspace: &Workspace, act: &NewAct) -> Outcome<()> {
    let ws = session.workspace(workspace)?;
    session
        .sql(
            "INSERT INTO act (ws, at, actor, who, person, what, thing, outcome, code)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            ws,
            micros(act.at),
            act.actor.code(),
            act.who,
            act.user,
            act.what,
            act.thing,
            act.outcome.code(),
            act.code
        ])?;
    tally::move_by(session, ws, Count::Acts, 1)
}

fn acts(session: &Session, workspace: &Workspace, filter: &ActFilter) -> Outcome<Vec<Act>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut wanted = vec!["ws = ?1".to_owned()];
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(ws)];
    let mut also = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        wanted.push(condition.replace('#', &format!("?{}", values.len())));
    };
    if let Some(who) = &filter.who {
        also("(who = # OR person = #)", Box::new(who.clone()));
    }
    if let Some(actor) = filter.actor {
        also("actor = #", Box::new(actor.code()));
    }
    if let Some(what) = &filter.what {
        also("what = #", Box::new(what.clone()));
    }
    if let Some(outcome) = filter.outcome {
        also("outcome = #", Box::new(outcome.code()));
    }
    if let Some(since) = filter.since {
        also("at >= #", Box::new(micros(since)));
    }
    if let Some(until) = filter.until {
        also("at < #", Box::new(micros(until)));
    }
    if let Some(before) = filter.before {
        also("seq < #", Box::new(before));
    }
    values.push(Box::new(limit(filter.limit)));
    let sql = format!(
        "SELECT seq, at, actor, who, person, what, thing, outcome, code FROM act
         WHERE {} ORDER BY seq DESC LIMIT ?{}",
        wanted.join(" AND "),
        values.len()
    );
    session
        .sql(&sql)?
        .query_map(values.as_slice(), |row| {
            Ok(Act {
                seq: row.get(0)?,
                act: NewAct {
                    at: time(row.get(1)?)?,
                    actor: Code::of_code(row.get(2)?)?,
                    who: row.get(3)?,
                    user: row.get(4)?,
                    what: row.get(5)?,
                    thing: row.get(6)?,
                    outcome: Code::of_code(row.get(7)?)?,
                    code: row.get(8)?,
                },
            })
        })?
        .collect()
}

#[async_trait]
impl AccessStore for SqlStore {
    async fn users(&self, workspace: &Workspace) -> Result<Vec<UserRow>> {
        let workspace = workspace.clone();
        self.read(move |session| users(session, &workspace)).await
    }

    async fn save_user(
        &self,
        workspace: &Workspace,
        user: &UserRow,
        end_sessions: bool,
    ) -> Result<()> {
        let (workspace, user) = (workspace.clone(), user.clone());
        self.write(move |session| save_user(session, &workspace, &user, end_sessions))
            .await
    }

    async fn remove_user(&self, workspace: &Workspace, name: &str) -> Result<()> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.write(move |session| remove_user(session, &workspace, &name))
            .await
    }

    async fn sessions(&self, workspace: &Workspace) -> Result<Vec<SessionRow>> {
        let workspace = workspace.clone();
        self.read(move |session| sessions(session, &workspace))
            .await
    }

    async fn add_session(
        &self,
        workspace: &Workspace,
        session: &SessionRow,
        now: Timestamp,
    ) -> Result<()> {
        let (workspace, row) = (workspace.clone(), session.clone());
        self.write(move |session| add_session(session, &workspace, &row, now))
            .await
    }

    async fn end_session(&self, workspace: &Workspace, hash: &str) -> Result<()> {
        let (workspace, hash) = (workspace.clone(), hash.to_owned());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            session
                .sql("DELETE FROM session WHERE ws = ?1 AND hash = ?2")?
                .execute(params![ws, hash])?;
            Ok(())
        })
        .await
    }

    async fn tokens(&self, workspace: &Workspace) -> Result<Vec<TokenRow>> {
        let workspace = workspace.clone();
        self.read(move |session| tokens(session, &workspace)).await
    }

    async fn add_token(&self, workspace: &Workspace, token: &TokenRow) -> Result<bool> {
        let (workspace, token) = (workspace.clone(), token.clone());
        self.write(move |session| add_token(session, &workspace, &token))
            .await
    }

    async fn remove_token(&self, workspace: &Workspace, name: &str) -> Result<bool> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.write(move |session| {
            let ws = session.workspace(&workspace)?;
            let removed = session
                .sql("DELETE FROM token WHERE ws = ?1 AND name = ?2")?
                .execute(params![ws, name])?;
            Ok(removed == 1)
        })
        .await
    }

    async fn token_used(&self, workspace: &Workspace, name: &str, at: Timestamp) -> Result<()> {
        let (workspace, name) = (workspace.clone(), name.to_owned());
        self.write_soon(move |session| {
            let ws = session.workspace(&workspace)?;
            session
                .sql("UPDATE token SET used = ?3 WHERE ws = ?1 AND name = ?2")?
                .execute(params![ws, name, micros(at)])?;
            Ok(())
        })
        .await
    }

    async fn record_act(&self, workspace: &Workspace, act: &NewAct) -> Result<()> {
        let (workspace, act) = (workspace.clone(), act.clone());
        self.write(move |session| record(session, &workspace, &act))
            .await
    }

    async fn acts(&self, workspace: &Workspace, filter: &ActFilter) -> Result<Vec<Act>> {
        let (workspace, filter) = (workspace.clone(), filter.clone());
        self.read(move |session| acts(session, &workspace, &filter))
            .await
    }
}
