//! Addresses at which clouds tell a machine its own credentials. A registry may send its readers anywhere (redirects, token
//! services); there, nobody may be sent: what comes back as a token would go to the registry.
//!
//! Sources: RFC 3927 and RFC 4291 section 2.5.6 (link-local), [AWS](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html),
//! [Alibaba Cloud](https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata),
//! [Oracle Cloud](https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm). Azure, Google and others use AWS's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

const AWS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
const ORACLE: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 192);

fn is_metadata(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local() || address == ALIBABA || address == ORACLE,
        IpAddr::V6(address) => address.is_unicast_link_local() || address == AWS,
    }
}

/// Whether a URL's host is such an address. Names are judged when they are resolved, by [`Resolver`].
pub(crate) fn is_literal(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse().is_ok_and(is_metadata)
}

/// Resolves names as the system does, and leaves such addresses out.
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<_> = found.iter().copied().filter(|address| !is_metadata(address.ip())).collect();
            if allowed.is_empty() && !found.is_empty() {
                return Err("the name leads to a cloud's metadata service, which is not asked".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_metadata_services_in_every_spelling() {
        let is = |host: &str| is_literal(&Url::parse(&format!("http://{host}/latest")).expect("a URL"));
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "2852039166",
            "0xa9.0xfe.0xa9.0xfe",
            "[::ffff:169.254.169.254]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "100.100.100.200",
            "192.0.0.192:80",
        ] {
            assert!(is(host), "{host}");
        }
        for host in ["10.0.0.1", "127.0.0.1", "[::1]", "169.253.1.1", "[fd00::1]", "metadata.google.internal", "100.100.100.201"] {
            assert!(!is(host), "{host}");
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_what_they_lead_to() {
        let resolve = |name: &str| Resolver.resolve(name.parse().expect("a name"));
        assert!(resolve("localhost").await.expect("known everywhere").all(|address| address.ip().is_loopback()));
        // An address is its own name.
        assert!(resolve("169.254.169.254").await.is_err_and(|error| error.to_string().contains("metadata service")));
    }
}
