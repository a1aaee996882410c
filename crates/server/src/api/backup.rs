//! A backup of the database while the server works: to a file of its machine, or as a download.

use std::{fs::File, io::Read as _, path::PathBuf, sync::Arc};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse as _, Response},
};
use futures::Stream;
use http::header;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{App, AppState},
    error::{ApiError, ApiResult},
};

/// How much of a download is read at once, in bytes.
const PIECE: usize = 256 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The new file, on the machine of the server.
    file: PathBuf,
}

/// Copies the database, as it is at one moment, to a new file.
pub(crate) async fn backup(
    State(app): State<AppState>,
    Json(wanted): Json<Wanted>,
) -> ApiResult<Json<Value>> {
    if !wanted.file.is_absolute() {
        return Err(ApiError::bad_request(
            "`file` is the whole path of a new file on the machine of the server",
        ));
    }
    app.store().backup(&wanted.file).await?;
    Ok(Json(json!({"file": wanted.file})))
}

/// The database, as it is at one moment, as a download: for its owner only, though it is asked by GET, for it
/// holds everything that Tandem knows.
pub(crate) async fn download(State(app): State<AppState>) -> ApiResult<Response> {
    let name = format!("tandem-{}.db", app.clock.now().strftime("%Y-%m-%d-%H%M%S"));
    let (file, bytes) = copy(&app).await?;
    let answer = [
        (header::CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((answer, Body::from_stream(pieces(file))).into_response())
}

/// A copy beside the database that has no name any more: it is gone with the download, however that ends.
async fn copy(app: &Arc<App>) -> ApiResult<(File, u64)> {
    let mut beside = match &app.database {
        Some(database) => database.clone().into_os_string(),
        None => std::env::temp_dir().join("tandem").into_os_string(),
    };
    beside.push(format!(".download-{}", uuid::Uuid::now_v7().simple()));
    let path = PathBuf::from(beside);
    app.store().backup(&path).await?;
    let opened = tokio::task::spawn_blocking(move || {
        let opened = File::open(&path).and_then(|file| {
            let bytes = file.metadata()?.len();
            Ok((file, bytes))
        });
        std::fs::remove_file(&path).and(opened)
    })
    .await
    .map_err(|error| ApiError::internal(error.to_string()))?;
    opened.map_err(|error| ApiError::internal(format!("the backup cannot be read: {error}")))
}

fn pieces(file: File) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures::stream::try_unfold(file, |mut file| async move {
        tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece)?;
            piece.truncate(read);
            Ok((read > 0).then(|| (Bytes::from(piece), file)))
        })
        .await
        .map_err(std::io::Error::other)?
    })
}
