//! Whole runs of real clients under real super-servers: list, get, put, resume, rename, delete, compared byte for byte,
//! active and passive, over IPv4 and IPv6, anonymous and as a local user.
#![cfg(test)]

mod harness;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use harness::realclient;
use harness::superserver::Kind;
use harness::{Site, Words};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// All that there are, tests/clients.rs runs.
const CLIENTS: [&str; 5] = ["curl", "lftp", "tnftp", "ncftp", "ftplib"];

/// Clients that upload set the times of what they have uploaded.
fn anonymous() -> Site {
    const ALL: Words =
        Words(&["list", "read", "write", "delete", "rename", "make-dir", "set-time"]);
    Site::with_incoming().rights("/incoming", ALL)
}

#[test]
fn under_xinetd() {
    every_client(Kind::Xinetd, V4, anonymous());
    every_client(Kind::Xinetd, V6, Site::local());
}

#[test]
fn under_systemd() {
    every_client(Kind::Systemd, V4, Site::local());
    every_client(Kind::Systemd, V6, anonymous());
}

#[test]
fn under_inetd() {
    every_client(Kind::Inetd, V4, anonymous());
    every_client(Kind::Inetd, V6, Site::local());
}

#[test]
fn over_pipes() {
    every_client(Kind::Pipes, V4, anonymous());
    every_client(Kind::Pipes, V4, Site::local());
}

/// Runs every client in every mode against one super-server.
#[track_caller]
fn every_client(kind: Kind, host: IpAddr, site: Site) {
    realclient::all_succeed(kind, host, site, |client| CLIENTS.contains(&client.name));
}
