//! The network transport, against servers on loopback.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use connections::{HttpOptions, HttpTransport, Outgoing, Transport, TransportError};
use http::{HeaderMap, Method};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

fn transport() -> HttpTransport {
    HttpTransport::new(&HttpOptions {
        version: "1.2.3".to_owned(),
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(1),
        total_timeout: Duration::from_secs(5),
        answer_cap: 10_000,
    })
    .unwrap()
}

fn get(address: SocketAddr) -> Outgoing {
    Outgoing {
        method: Method::GET,
        url: format!("http://{address}/contacts?name=Erika")
            .parse()
            .unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        allow_private: true,
    }
}

/// 100,000 zero bytes, packed by gzip.
const ZEROS: &[u8] = b"\
    \x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xf5\
    \x4f\x6d\x0d\x0f\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x80\x57\x03\x7d\x95\x11\xd4\xa0\x86\x01\x00";

/// A server that reads one request and writes these bytes; gives back the request's head.
async fn server(answer: Vec<u8>, then_hang: bool) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4_096];
        let read = socket.read(&mut request).await.unwrap();
        // the client may hang up in the middle, when it has seen enough
        let _ = socket.write_all(&answer).await;
        if then_hang {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    (address, task)
}

#[tokio::test]
async fn a_request_names_tandem_and_an_answer_is_read_whole() {
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-Left: 7\r\n\r\ngone".to_vec();
    let (address, server) = server(answer, false).await;
    let answer = transport().send(get(address)).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (404, &b"gone"[..])
    );
    assert_eq!(answer.headers["x-left"], "7");
    let head = server.await.unwrap().to_lowercase();
    assert!(head.contains("user-agent: tandem/1.2.3"), "{head}");
    assert!(head.contains("accept-encoding: gzip"), "{head}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer =
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (address, _server) = server(answer.to_vec(), false).await;
    assert_eq!(transport().send(get(address)).await.unwrap().status, 302);
}

#[tokio::test]
async fn an_answer_beyond_the_cap_is_refused_announced_or_not() {
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\nx".to_vec();
    let mut streamed = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..11 {
        streamed.extend_from_slice(b"3e8\r\n");
        streamed.extend_from_slice(&[b'x'; 1_000]);
        streamed.extend_from_slice(b"\r\n");
    }
    for answer in [announced, streamed] {
        let (address, _server) = server(answer, true).await;
        let error = transport().send(get(address)).await.unwrap_err();
        assert_eq!(error, TransportError::TooLarge { cap: 10_000 });
    }
}

#[tokio::test]
async fn the_cap_holds_for_what_an_answer_unpacks_to() {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        ZEROS.len()
    )
    .into_bytes();
    answer.extend_from_slice(ZEROS);
    let (address, _server) = server(answer, true).await;
    let error = transport().send(get(address)).await.unwrap_err();
    assert_eq!(error, TransportError::TooLarge { cap: 10_000 });
}

#[tokio::test]
async fn an_unsent_request_is_told_from_one_without_an_answer() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let error = transport().send(get(nobody)).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");

    let mut unknown = get(nobody);
    unknown.url = "http://no-such-host.invalid/?name=Erika".parse().unwrap();
    let error = transport().send(unknown).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    assert!(!error.to_string().contains("Erika"), "{error}");

    let (silent, _server) = server(Vec::new(), true).await;
    let error = transport().send(get(silent)).await.unwrap_err();
    assert_eq!(
        error,
        TransportError::MaybeSent("no answer in time".to_owned())
    );

    let (closing, _server) = server(Vec::new(), false).await;
    let error = transport().send(get(closing)).await.unwrap_err();
    assert!(matches!(error, TransportError::MaybeSent(_)), "{error}");
    assert!(!error.to_string().contains("Erika"), "{error}");

    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec();
    let (cut, _server) = server(half, false).await;
    let error = transport().send(get(cut)).await.unwrap_err();
    assert!(matches!(error, TransportError::Cut(_)), "{error}");

    // a server that speaks no TLS never got the request
    let (plain, _server) = server(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), false).await;
    let mut secure = get(plain);
    secure.url.set_scheme("https").unwrap();
    let error = transport().send(secure).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
}

#[tokio::test]
async fn this_machine_is_reached_only_when_that_is_allowed() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    let (address, server) = server(answer, false).await;
    let port = address.port();
    // the last one is found out only by resolving it
    let names = ["127.0.0.1", "localhost"];
    for url in names.map(|host| format!("http://{host}:{port}/")) {
        let mut request = get(address);
        request.url = url.parse().unwrap();
        request.allow_private = false;
        let error = transport().send(request).await.unwrap_err();
        assert!(
            matches!(error, TransportError::Forbidden(_)),
            "{url}: {error}"
        );
        assert!(
            error.to_string().contains("allow_private_addresses"),
            "{error}"
        );
    }
    assert!(!server.is_finished(), "nobody connected");
    transport().send(get(address)).await.unwrap();
}
