//! What each command does. Commands hold no logic of the product: they ask the API and print.

pub(crate) mod alerts;
pub(crate) mod apply;
mod catalog;
mod connect;
mod disconnect;
mod keep;
mod links;
mod listen;
mod local;
mod look;
mod narrow;
mod noted;
pub(crate) mod plan;
pub(crate) mod practise;
mod probe;
mod reference;
pub(crate) mod serve;
mod status;
mod undo;
pub(crate) mod users;
pub(crate) mod work;
pub(crate) mod workflow;

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    cli::{Cli, Command, Vault},
    demo,
    output::Output,
    session::{Missing, Session},
};

/// Runs the command of the command line.
pub(crate) async fn run(cli: Cli, output: Output) -> Result<ExitCode> {
    let Cli { global, command } = cli;
    let done = |()| ExitCode::SUCCESS;
    match command {
        // without a database
        Command::Init(init) => local::init(&init).await.map(done),
        Command::Token(token) => local::token(&token).map(done),
        Command::Schema => local::schema().map(done),
        Command::Error(error) => local::error(&error).map(done),
        Command::Completions { shell } => local::completions(shell).map(done),
        Command::Reference { out } => reference::write(&out).map(done),
        Command::Catalog(wanted) => catalog::catalog(&global, &wanted).map(done),
        // for as long as they are wanted
        Command::Demo(demo) => demo::run(demo, output).await,
        Command::Serve(serve) => serve::serve(&global, &serve, output).await.map(done),
        Command::Sandbox(sandbox) => serve::sandbox(sandbox).await.map(done),
        // on the database itself
        Command::Vault(Vault::Rotate) => local::rotate(&global).await.map(done),
        Command::Restore(wanted) => keep::restore(&global, &wanted).await.map(done),
        Command::MigrateStore(wanted) => keep::migrate(&wanted).await.map(done),
        Command::Apply(apply) => apply::apply(&global, &apply, output).await,
        // through the API, and not to be cut off: it removes what it made
        Command::Probe(arguments) => {
            let session = Session::open(&global, None, Missing::Refuse).await?;
            let outcome = probe::probe(&session.client, &arguments).await;
            let closed = session.close().await;
            let code = outcome?;
            closed?;
            Ok(code)
        }
        // through the API
        command => {
            let mut session = Session::open(&global, None, Missing::Refuse).await?;
            let mut interrupts = serve::Interrupts::listen();
            let outcome = tokio::select! {
                outcome = ask(command, &mut session, output) => outcome,
                () = interrupts.next() => Ok(ExitCode::from(130)),
            };
            let closed = session.close().await;
            let code = outcome?;
            closed?;
            Ok(code)
        }
    }
}

async fn ask(command: Command, session: &mut Session, output: Output) -> Result<ExitCode> {
    let client = &session.client;
    let outcome = match command {
        Command::Connect(connect) => return connect::connect(session, connect, output).await,
        Command::Check(check) => return connect::check(client, &check).await,
        Command::Fields(fields) => look::fields(client, &fields).await,
        Command::AddField(field) => return connect::add_field(client, &field).await,
        Command::Call(call) => catalog::call(client, &call).await,
        Command::Disconnect(wanted) => {
            return disconnect::disconnect(client, &wanted, output).await;
        }
        Command::Accounts(wanted) => return connect::accounts(client, &wanted).await,
        Command::Listen(wanted) => listen::listen(client, &wanted).await,
        Command::Plan(asked) => plan::plan(client, &asked).await,
        Command::Plans(asked) => plan::plans(client, &asked).await,
        Command::PlanRows(asked) => plan::rows(client, &asked).await,
        Command::ApplyPlan(asked) => return plan::apply(client, &asked, output).await,
        Command::Sync(sync) => work::sync(client, &sync, output).await,
        Command::Pause(sync) => work::pause(client, &sync).await,
        Command::Resume(sync) => work::resume(client, &sync).await,
        Command::Resolve(resolve) => work::resolve(client, &resolve).await,
        Command::Status(format) => status::status(client, format).await,
        Command::Links(links) => links::links(client, links).await,
        Command::Config(config) => links::config(client, &config).await,
        Command::Reviews(reviews) => look::reviews(client, &reviews).await,
        Command::Undo(undo) => undo::undo(client, &undo, output).await,
        Command::Explain(explain) => look::explain(client, &explain).await,
        Command::Calls(calls) => look::calls(client, &calls).await,
        Command::Journal(journal) => look::journal(client, &journal).await,
        Command::Failing(failing) => look::failing(client, &failing).await,
        Command::Blocked(blocked) => look::blocked(client, &blocked).await,
        Command::Skipped(skipped) => look::skipped(client, &skipped).await,
        Command::Runs(runs) => look::runs(client, &runs).await,
        Command::Retry(wanted) => alerts::retry(client, &wanted).await,
        Command::Alerts(wanted) => return alerts::alerts(client, &wanted).await,
        Command::Retention(format) => look::retention(client, format).await,
        Command::Users(wanted) => users::users(client, &wanted).await,
        Command::Tokens(wanted) => users::tokens(client, &wanted).await,
        Command::Acts(wanted) => users::acts(client, &wanted).await,
        Command::Backup(wanted) => keep::backup(client, &wanted).await,
        Command::Workflow(asked) => return workflow::workflow(client, &asked, output).await,
        Command::Init(_)
        | Command::Token(_)
        | Command::Schema
        | Command::Error(_)
        | Command::Completions { .. }
        | Command::Reference { .. }
        | Command::Demo(_)
        | Command::Serve(_)
        | Command::Sandbox(_)
        | Command::Vault(_)
        | Command::Restore(_)
        | Command::MigrateStore(_)
        | Command::Probe(_)
        | Command::Catalog(_)
        | Command::Apply(_) => anyhow::bail!("this command does not go through the API"),
    };
    outcome.map(|()| ExitCode::SUCCESS)
}
