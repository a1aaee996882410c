//! `tandem serve` and `tandem sandbox`.

use std::time::Duration;

use anyhow::Result;
use connections::HttpOptions;
use http::Method;
use sandbox::{
    System,
    people::{Population, Side},
};
use server::{Browsers, Code, Service};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{self, Global},
    client::{Client, Payload, with_query},
    commands::{apply, practise},
    database::Database,
    failure::Failure,
    output::{self, Output},
    session, wiring,
};

/// Runs the server until it is told to stop.
pub(crate) async fn serve(global: &Global, serve: &cli::Serve, output: Output) -> Result<()> {
    let database = session::database(global, serve.config.as_deref())?;
    let opened = open(serve, &database).await?;
    let handle = opened.service.handle();
    let outcome = prepare(serve, &database.beside(), &handle, output).await;
    let listener = match outcome {
        Ok(listener) => listener,
        Err(error) => {
            opened.service.close().await;
            opened.store.close().await?;
            return Err(error);
        }
    };
    let address = format!("http://{}", listener.local_addr()?);
    output::beside(&format!("Tandem: {address}"));
    let links = handle.first_links(&address).map_err(Failure::from)?;
    for (place, link) in ["", ", from outside if the proxy passes `/` on"]
        .iter()
        .zip(links)
    {
        output::beside(&format!(
            "Set the owner's password (this link works once{place}): {link}"
        ));
    }
    let shutdown = CancellationToken::new();
    tokio::spawn(told_to_stop(shutdown.clone()));
    let ending = shutdown.clone();
    let mut serving = std::pin::pin!(opened.service.run(listener, shutdown));
    let (served, replaced) = tokio::select! {
        served = &mut serving => (served, None),
        error = replaced(&*opened.store), if matches!(database, Database::Postgres(_)) => {
            // what is done from now on is the other one's
            ending.cancel();
            (serving.await, Some(error))
        }
    };
    let closed = opened.store.close().await;
    if let Some(error) = replaced {
        return Err(wiring::store_failure(&error)
            .hint("let a service manager start it again, with `--standby`")
            .into());
    }
    served?;
    closed.map_err(|error| wiring::store_failure(&error))?;
    Ok(())
}

/// Opens the database; a standby waits until nobody else has it.
async fn open(serve: &cli::Serve, database: &Database) -> Result<wiring::Opened> {
    let mut told = false;
    loop {
        let opened = wiring::open_with(
            database,
            Some(serve.max_backlog),
            sync::Options::default(),
            HttpOptions::default(),
            Browsers::Password,
        )
        .await;
        let failure = opened
            .as_ref()
            .err()
            .and_then(|error| error.downcast_ref::<Failure>());
        let Some(in_use) =
            failure.filter(|failure| serve.standby && failure.code == Code::DatabaseInUse)
        else {
            return opened;
        };
        if !std::mem::replace(&mut told, true) {
            output::beside(&format!("Tandem: standing by: {}", in_use.message));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Between two tries of a standby, and between two looks whether the database is still ours.
const AGAIN: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_secs(5);

/// Returns when another server has taken the database over. A lost connection alone is none of that: it comes back.
async fn replaced(store: &dyn Store) -> store::Error {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(error @ store::Error::InUse { .. }) = store.still_ours().await {
            return error;
        }
    }
}

/// Opens the address and puts the config into force, before anything works.
async fn prepare(
    serve: &cli::Serve,
    database: &std::path::Path,
    handle: &server::Handle,
    output: Output,
) -> Result<tokio::net::TcpListener> {
    let Some(file) = &serve.config else {
        return listen(handle.listen_address().map_err(Failure::from)?).await;
    };
    let text = apply::read_file(file)?;
    let applied = async {
        let document = apply::check_here(&text, database)?;
        let listener = listen(document.listen).await?;
        let client = Client::Here {
            router: handle.router(),
            token: handle.token().expose().to_owned(),
        };
        let path = with_query(
            "/api/v1/config",
            &[("file", Some(file.display().to_string()))],
        );
        client
            .call(Method::PUT, &path, Payload::Text(text.clone()))
            .await?;
        Ok(listener)
    };
    applied
        .await
        .map_err(|error| apply::shown(file, &text, error, output))
}

async fn listen(address: std::net::SocketAddr) -> Result<tokio::net::TcpListener> {
    Service::listen(address).await.map_err(|error| {
        Failure::new(Code::PortTaken, error.to_string())
            .hint("stop the program that listens there, or choose another `listen` address")
            .into()
    })
}

/// Ctrl-C, or a service manager's SIGTERM. The second time ends at once, which is safe at any moment.
pub(crate) async fn told_to_stop(shutdown: CancellationToken) {
    let mut interrupts = Interrupts::listen();
    interrupts.next().await;
    shutdown.cancel();
    output::beside("Stopping; once more to stop at once.");
    interrupts.next().await;
    std::process::exit(130);
}

/// Ctrl-C and SIGTERM. From [`Interrupts::listen`] on they do not end the process, and one that comes while nobody waits is
/// told to the next who does.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Interrupts {
    pub(crate) fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let wanted = [
                ("Ctrl-C", SignalKind::interrupt()),
                ("SIGTERM", SignalKind::terminate()),
            ];
            let mut signals = Vec::new();
            for (name, kind) in wanted {
                match signal(kind) {
                    Ok(listening) => signals.push(listening),
                    Err(error) => tracing::warn!(%error, name, "it cannot be listened for"),
                }
            }
            Self { signals }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Returns at Ctrl-C or SIGTERM.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        std::future::poll_fn(|context| {
            let any = self
                .signals
                .iter_mut()
                .any(|signal| signal.poll_recv(context).is_ready());
            if any {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        #[cfg(not(unix))]
        drop(tokio::signal::ctrl_c().await);
    }
}

/// Runs the simulated systems until told to stop.
pub(crate) async fn sandbox(sandbox: cli::Sandbox) -> Result<()> {
    let shutdown = CancellationToken::new();
    tokio::spawn(told_to_stop(shutdown.clone()));
    let shipped = sandbox.people.is_none();
    let options = sandbox::Options {
        listen: sandbox.listen,
        people: sandbox.people,
        ..sandbox::Options::default()
    };
    let running = sandbox::Sandbox::start(options, shutdown)
        .await
        .map_err(|error| {
            let mut message = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                message = format!("{message}: {source}");
            }
            match error {
                sandbox::Error::Listen { .. } => Failure::new(Code::PortTaken, message).hint(
                    "stop the program that listens there, or choose another `--listen` address",
                ),
                sandbox::Error::People(_) | sandbox::Error::Seed { .. } => {
                    Failure::new(Code::PeopleFile, message)
                }
                _ => Failure::new(Code::Internal, message),
            }
        })?;
    if shipped {
        let people = Population::shipped();
        for (system, side) in [
            (System::HighLevel, Side::HighLevel),
            (System::OnOffice, Side::OnOffice),
            (System::OfficeRnd, Side::OfficeRnd),
        ] {
            running.control().seed(system, &people.records(side))?;
        }
    }
    output::text(&format!("{}\n", running.url()))?;
    eprintln!("{}", practise::banner(&running.control(), &running.url())?);
    running.stopped().await;
    Ok(())
}
