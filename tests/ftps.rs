//! Real clients over explicit TLS, under TLS 1.2 and TLS 1.3, where data connections have to resume the session of the
//! control connection and where they need not.
#![cfg(test)]

mod harness;

use std::collections::BTreeSet;

use harness::ftps::{self, Demand, PLAIN, SECURED, Secured};
use harness::realclient::CLIENTS;

#[test]
fn every_client_where_reuse_is_required() {
    ftps::all_as_seen(Demand::Reuse, chosen);
}

#[test]
fn every_client_where_it_is_not() {
    ftps::all_as_seen(Demand::Nothing, chosen);
}

/// `CLIENT=prefix` runs those alone whose name begins so, and shows what they print.
fn chosen(row: &Secured) -> bool {
    let wanted = std::env::var("CLIENT").unwrap_or_default();
    row.client.name.starts_with(&wanted)
}

#[test]
fn every_client_has_its_row() {
    let secured = SECURED.iter().map(|row| row.client.name);
    let told: BTreeSet<_> = secured.chain(PLAIN.iter().map(|(name, _)| *name)).collect();
    let untold: Vec<_> = CLIENTS.iter().filter(|one| !told.contains(one.name)).collect();
    assert!(untold.is_empty(), "{untold:?}");
}
