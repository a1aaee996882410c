//! Encryption of the way to the server, by rustls.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

use super::options::PostgresOptions;
use crate::{Error, Result};

/// Makes encrypted streams.
#[derive(Clone)]
pub(super) struct Tls(Arc<rustls::ClientConfig>);

impl Tls {
    /// As these options say.
    pub(super) fn new(options: &PostgresOptions) -> Result<Self> {
        let failed = |why: String| {
            Error::Unwritable(format!(
                "the connection to {} cannot be encrypted: {why}",
                options.shown()
            ))
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?;
        let builder = match &options.roots {
            None => builder
                .with_platform_verifier()
                .map_err(|error| failed(error.to_string()))?,
            Some(file) => {
                let unreadable = |why: String| failed(format!("{}: {why}", file.display()));
                let mut roots = rustls::RootCertStore::empty();
                let found = CertificateDer::pem_file_iter(file)
                    .map_err(|error| unreadable(error.to_string()))?;
                for certificate in found {
                    let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                    roots
                        .add(certificate)
                        .map_err(|error| unreadable(error.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(unreadable("there is no certificate in it".to_owned()));
                }
                builder.with_root_certificates(roots)
            }
        };
        Ok(Self(Arc::new(builder.with_no_client_auth())))
    }
}

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type TlsConnect = Handshake;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> std::result::Result<Handshake, Self::Error> {
        Ok(Handshake {
            config: self.0.clone(),
            host: ServerName::try_from(host.to_owned())?,
        })
    }
}

/// One handshake to be made.
pub(super) struct Handshake {
    config: Arc<rustls::ClientConfig>,
    host: ServerName<'static>,
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let connector = tokio_rustls::TlsConnector::from(self.config);
            Ok(Encrypted(connector.connect(self.host, stream).await?))
        })
    }
}

/// An encrypted stream.
pub(super) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    /// None: the certificate is verified, so that nobody is in between.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
