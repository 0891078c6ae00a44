//! Whole runs of real clients under real super-servers: list, get, put, resume, rename, delete, compared byte for byte,
//! active and passive, over IPv4 and IPv6, anonymous and as a local user.
#![cfg(test)]

mod harness;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use harness::realclient::{self, Tls, over_tls};
use harness::superserver::{Installed, Kind, SuperServer};
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

/// TLS from the first byte on, by the entries that `make install` makes.
#[test]
fn installed_entries_for_implicit_tls() {
    for kind in [Kind::Xinetd, Kind::Systemd] {
        let site = Site::local().with_tls();
        let there = Installed::beside(&site);
        let server = SuperServer::start_installed(kind, V4, &site, &there);
        for tls in [Tls::V12, Tls::V13] {
            let (here, said, is_well) = over_tls("ftps-implicit", tls, &[], &site, &server);
            let context =
                || format!("{kind:?} {tls:?}: {said}\n{}\n{}", site.log().text(), server.log());
            assert!(is_well, "{}", context());
            for client in ["curl", "lftp"] {
                let got = fs::read(here.join(format!("{client}.txt"))).unwrap();
                assert_eq!(got, b"hello, world\n", "{client} {}", context());
                let there = format!("/incoming/{client}.bin");
                assert!(site.content(&there) == Some(realclient::up()), "{client} {}", context());
                fs::remove_file(site.path(&there)).unwrap();
                let list = fs::read_to_string(here.join(format!("{client}-list.txt"))).unwrap();
                assert!(list.contains("curl.bin"), "{list} {}", context());
            }
        }
        server.has_no_sessions();
        let log = site.log().text();
        assert_eq!(site.log().faults(), Vec::<String>::new());
        let transfers = log.lines().filter(|line| line.contains("load session="));
        assert!(transfers.clone().count() >= 8, "{log}");
        assert!(transfers.into_iter().all(|line| line.contains(" tls=true")), "{log}");
    }
}

/// Runs every client in every mode against one super-server.
#[track_caller]
fn every_client(kind: Kind, host: IpAddr, site: Site) {
    realclient::all_succeed(kind, host, site, |client| CLIENTS.contains(&client.name));
}
