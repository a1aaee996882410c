//! Addresses that an address typed in by a user may not reach.
//!
//! Base addresses come from config. Without this rule, a config could make the server talk to the
//! machine itself or to the network behind it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The name leads to no address that may be reached.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is an address of this machine or of a private network; set `allow_private_addresses: true` on the connection if that is meant"
)]
pub(crate) struct PrivateAddress(String);

/// Whether an address belongs to the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// After the IANA special-purpose registry (RFC 6890 and later additions).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // IPv4 inside IPv6: mapped, translated (NAT64), 6to4
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(embedded(high, low))
        }
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // Teredo, benchmarking, ORCHID, documentation
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        // only 2000::/3 is given out for the internet
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Whether an address is plainly one of this machine or of a private network: a name may still turn out to be.
#[must_use]
pub fn leads_inside(url: &Url) -> bool {
    is_here(url) || refuse_private(url, &[]).is_err()
}

/// Whether an address is plainly this machine, which no proxy could reach for us.
pub(crate) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Refuses an address that is spelt as a number; names are looked at when they are resolved.
pub(crate) fn refuse_private(url: &Url, proxies: &[String]) -> Result<(), PrivateAddress> {
    let refused = match url.host() {
        Some(Host::Ipv4(address)) => !is_public_v4(address),
        Some(Host::Ipv6(address)) => !is_public_v6(address),
        // the resolver lets proxies through, so they must not be addressed themselves, and with a
        // proxy it never sees the name
        Some(Host::Domain(name)) => {
            !proxies.is_empty() && (is_here(url) || proxies.iter().any(|proxy| proxy == name))
        }
        None => true,
    };
    if refused {
        Err(PrivateAddress(
            url.host_str().unwrap_or("no host").to_owned(),
        ))
    } else {
        Ok(())
    }
}

/// Resolves names and gives back public addresses only, at the moment of connecting: a name that is
/// public when checked and private when used gains nothing. Behind a proxy it is the proxy that
/// resolves names, and its rules that hold for them.
pub(crate) struct PublicOnly {
    /// Host names of the operator's own proxies, which may be private.
    pub(crate) proxies: Arc<[String]>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let proxies = Arc::clone(&self.proxies);
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let is_proxy = proxies.iter().any(|proxy| proxy == host);
            let allowed: Vec<SocketAddr> = found
                .filter(|address| is_proxy || is_public(address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(PrivateAddress(host.to_owned()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The host names of the proxies that the environment names, in the spellings that curl knows.
pub(crate) fn proxy_hosts(environment: impl Fn(&str) -> Option<String>) -> Arc<[String]> {
    ["http_proxy", "https_proxy", "all_proxy"]
        .into_iter()
        .flat_map(|name| [name.to_owned(), name.to_uppercase()])
        .filter_map(|name| environment(&name))
        .filter_map(|value| {
            let address = if value.contains("://") {
                value
            } else {
                format!("http://{value}")
            };
            Url::parse(&address).ok()?.host_str().map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_special_addresses_are_told_from_public_ones() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "ff02::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1",
            "2001:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn numbers_in_any_spelling_are_refused() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]:80/",
            "http://[::ffff:10.0.0.1]/",
        ] {
            assert!(refuse_private(&url.parse().unwrap(), &[]).is_err(), "{url}");
        }
        assert!(refuse_private(&"https://example.org/".parse().unwrap(), &[]).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_resolved() {
        let resolve = async |proxies: &[&str]| {
            let proxies = proxies.iter().map(ToString::to_string).collect();
            PublicOnly { proxies }
                .resolve("localhost".parse().unwrap())
                .await
        };
        let error = resolve(&[]).await.err().unwrap();
        assert!(error.downcast_ref::<PrivateAddress>().is_some(), "{error}");
        assert!(
            resolve(&["localhost"]).await.is_ok(),
            "the operator's own proxy"
        );
    }

    #[test]
    fn this_machine_is_known_by_its_usual_names() {
        let here = |url: &str| is_here(&url.parse().unwrap());
        assert!(
            here("http://127.0.0.1:8080/") && here("http://[::1]/") && here("http://localhost/")
        );
        assert!(!here("http://10.0.0.1/") && !here("https://localhost.example.org/"));
    }

    #[test]
    fn a_proxy_is_found_in_the_environment_and_cannot_be_addressed_itself() {
        let proxies = proxy_hosts(|name| match name {
            "HTTPS_PROXY" => Some("http://user:pass@proxy.lan:3128".to_owned()),
            "http_proxy" => Some("other.lan:8080".to_owned()),
            _ => None,
        });
        assert_eq!(*proxies, ["other.lan".to_owned(), "proxy.lan".to_owned()]);
        for url in ["http://proxy.lan/", "http://localhost/"] {
            assert!(
                refuse_private(&url.parse().unwrap(), &proxies).is_err(),
                "{url}"
            );
        }
    }
}
