//! Real clients, as many as there are, against the server under a super-server: list, get, put, resume both ways,
//! rename, delete, make directories, set times, abort, with awkward names, compared byte for byte.
#![cfg(test)]

mod harness;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use harness::Site;
use harness::realclient::{self, Client};
use harness::superserver::Kind;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

#[test]
fn every_client_over_ipv4() {
    realclient::all_succeed(Kind::Systemd, V4, Site::local(), chosen);
}

#[test]
fn every_client_over_ipv6() {
    realclient::all_succeed(Kind::Systemd, V6, Site::local(), chosen);
}

/// `CLIENT=prefix` runs those alone whose name begins so, and shows what they print.
fn chosen(client: &Client) -> bool {
    let wanted = std::env::var("CLIENT").unwrap_or_default();
    client.name.starts_with(&wanted)
}
