//! What the two children of TLS become: their files are read as root, as bytes; then their cage, and only in it anybody
//! looks at those. Root for these few lines, nobody's ears open.

use std::os::fd::AsFd;
use std::path::Path;

use super::role::{entered, failed, report_panics};
use crate::broker::{self, Between, Birth};
use crate::cage::caps::Set;
use crate::cage::landlock::Files;
use crate::cage::seccomp::Filter;
use crate::cage::{Cage, Limits, Root};
use crate::config::{ClientCertificate, Config, Isolation, Settings, TlsVersion, Unread, secret};
use crate::exit::Exit;
use crate::relay::key::{KeyFile, KeyStart, run_key};
use crate::relay::{self, Certificate, Clients, Policy, Start};
use crate::setup::Setup;
use crate::wire::relay::{Order, Report};
use crate::wire::{Bounded, Channel, Message, key};

/// The key process: an account of its own, in an empty directory.
pub(super) fn key(
    setup: Setup,
    power: broker::Root,
    between: Between,
    birth: Birth<key::Nothing, key::Report>,
) -> u8 {
    let Setup { client, config, settings, key, book, status, .. } = setup;
    let questions = between.for_key();
    let unbounded = config.may_relax_reuse(client.place.peer);
    // The owners go first: their numbers are closed next.
    drop((book, status, client, std::panic::take_hook()));
    let empty = power.for_child();
    let closed = birth.close_others(&[questions.as_fd(), empty.as_fd()]);
    let Birth { channel, leash } = birth;
    report_panics(&channel, key::Report::Panicked);
    let read = config.certificates.iter().map(|one| {
        let path = one.key.display().to_string();
        named(secret::read_key, &one.key).map(|content| KeyFile { path, content })
    });
    let keys = match read.collect::<Result<Vec<_>, _>>() {
        Ok(keys) => keys,
        Err(error) => return unfit(&channel, key::Report::Unfit, &error),
    };
    let cage = Cage {
        identity: key,
        root: Root::Empty(empty),
        keep: Set::NONE,
        limits: Limits::KEY,
        files: Files::None,
        filter: Filter::key(),
        leash: Some(leash.as_fd()),
        report: Some(channel.as_fd()),
        required: settings.server.isolation == Isolation::Require,
    };
    let caged = match entered(closed, cage) {
        Ok((caged, _)) => caged,
        Err(error) => return failed(&channel, key::Report::Uncaged, &error),
    };
    let at_most = (!unbounded).then_some(SIGNATURES_MAX);
    let tls13_only = settings.tls.min_version == TlsVersion::V1_3;
    let start = KeyStart { relay: questions, broker: channel, keys, at_most, tls13_only };
    run_key(&caged, start);
    Exit::Clean.status()
}

/// The relay: the network's account, in an empty directory.
pub(super) fn relay(
    setup: Setup,
    power: broker::Root,
    between: Between,
    birth: Birth<Order, Report>,
) -> u8 {
    let Setup { client, config, host, settings, network, book, status, .. } = setup;
    let (plain, signatures) = between.for_relay();
    // The owners go first: their numbers are closed next.
    drop((book, status, std::panic::take_hook()));
    let empty = power.for_child();
    let keep = [
        client.input.as_fd(),
        client.output.as_fd(),
        plain.as_fd(),
        signatures.as_fd(),
        empty.as_fd(),
    ];
    let closed = birth.close_others(&keep);
    let Birth { channel, leash } = birth;
    report_panics(&channel, Report::Panicked);
    let (certificates, policy) = match (certificates(&config), policy(&settings)) {
        (Ok(certificates), Ok(policy)) => (certificates, policy),
        (Err(error), _) | (_, Err(error)) => return unfit(&channel, Report::Unfit, &error),
    };
    let cage = Cage {
        identity: network,
        root: Root::Empty(empty),
        keep: Set::NONE,
        limits: Limits::RELAY,
        files: Files::None,
        filter: Filter::relay(),
        leash: Some(leash.as_fd()),
        report: Some(channel.as_fd()),
        required: settings.server.isolation == Isolation::Require,
    };
    let caged = match entered(closed, cage) {
        Ok((caged, _)) => caged,
        Err(error) => return failed(&channel, Report::Uncaged, &error),
    };
    let start = Start {
        input: client.input,
        output: client.output,
        plain,
        broker: channel,
        key: signatures,
        certificates,
        policy,
        host,
        patience: settings.limits.login,
    };
    match relay::run(&caged, start) {
        Ok(()) => Exit::Clean.status(),
        Err(_) => Exit::Software.status(),
    }
}

fn certificates(config: &Config) -> Result<Vec<Certificate>, String> {
    let read = config.certificates.iter().map(|one| {
        Ok(Certificate {
            path: one.chain.display().to_string(),
            chain: named(secret::read_chain, &one.chain)?,
            ocsp: optional(secret::read_chain, one.ocsp.as_deref())?,
            names: one.names.clone(),
        })
    });
    read.collect()
}

fn policy(settings: &Settings) -> Result<Policy, String> {
    let tls = &settings.tls;
    let required = tls.client_certificate == ClientCertificate::Require;
    let clients = match (tls.client_certificate, tls.client_ca.as_deref()) {
        (ClientCertificate::None, _) => Clients::None,
        // Several matches may have come to this together.
        (_, None) => return Err("certificates are asked for without tls.client_ca".to_owned()),
        (_, Some(authorities)) => Clients::Asked {
            authorities: named(secret::read_chain, authorities)?,
            revoked: optional(secret::read_revoked, tls.client_crl.as_deref())?,
            required,
        },
    };
    Ok(Policy { tls13_only: tls.min_version == TlsVersion::V1_3, clients })
}

type Read<T> = fn(&Path) -> Result<T, Unread>;

/// Reads a file; if that fails, the cause names it.
fn named<T>(read: Read<T>, path: &Path) -> Result<T, String> {
    read(path).map_err(|unread| unread.problem(path).one_line())
}

fn optional<T>(read: Read<T>, path: Option<&Path>) -> Result<Option<T>, String> {
    path.map(|path| named(read, path)).transpose()
}

/// A child whose files are no good says why, and serves nobody.
fn unfit<S: Message, R: Message>(
    channel: &Channel<S, R>,
    report: fn(Bounded<512>) -> S,
    cause: &str,
) -> u8 {
    // A broker that is gone needs no telling.
    let _ = channel.tell(&report(Bounded::cut(cause.as_bytes())));
    Exit::System.status()
}

/// As many signatures as a client that resumes its session can need, with some to spare.
const SIGNATURES_MAX: u32 = 16;
