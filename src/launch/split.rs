//! One session, from the first fork to the last line of the log. The broker; each child leaves at its fork.

use std::os::fd::OwnedFd;

use super::{protect, role};
use crate::broker::{
    Broker, Failure, Grant, LoginWorker as Worker, Outcome, Root, Split, Started, refuse,
};
use crate::exit::Exit;
use crate::setup::Setup;

/// Serves one session, to its end.
pub(super) fn serve(setup: Setup, empty: OwnedFd) -> Exit {
    let broker = match Broker::shed(setup, empty) {
        Ok(broker) => broker,
        Err(failed) => return refuse(failed.0, &failed.1),
    };
    let (mut broker, mut grant) = match until_login(broker) {
        Ok(granted) => granted,
        Err(exit) => return exit,
    };
    let worker = match broker.split_session(&grant) {
        Ok(Split::Child(birth)) => sys::process::exit(role::session(broker.setup, grant, birth)),
        Ok(Split::Broker(worker)) => worker,
        Err(failure) => return broker.refuse(&failure),
    };
    // The worker's alone now.
    grant.relay = None;
    // The session worker does not speak before the last of root is gone.
    let mut broker = match broker.shrink(&grant.settings) {
        Ok(broker) => broker,
        Err(failed) => return refuse(failed.0, &failed.1),
    };
    match broker.session(worker, &grant) {
        Ok(exit) => broker.close(exit),
        Err(failure) => broker.refuse(&failure),
    }
}

/// What comes next, before login.
enum Step {
    /// Another login worker.
    Split,
    /// This one is held.
    Hold(Worker),
    /// TLS; the worker that asked for it waits, unless it is spoken from the first byte on.
    StartTls(Option<Worker>),
}

/// Login workers, until someone has logged in: one, or two where the client has asked for TLS. What a stranger may have
/// done to the first one in clear is gone with it.
fn until_login(mut broker: Broker<Root>) -> Result<(Broker<Root>, Grant), Exit> {
    let mut step = if broker.setup.implicit { Step::StartTls(None) } else { Step::Split };
    loop {
        step = match step {
            Step::Split => match broker.split_login() {
                Ok(Split::Child(birth)) => {
                    sys::process::exit(role::login(broker.setup, broker.power, birth))
                }
                Ok(Split::Broker(worker)) => Step::Hold(worker),
                Err(failure) => return Err(broker.refuse(&failure)),
            },
            Step::Hold(worker) => match broker.login(worker) {
                Ok(Outcome::Granted(grant)) => return Ok((broker, *grant)),
                Ok(Outcome::TlsAsked(worker)) => Step::StartTls(Some(worker)),
                Ok(Outcome::Ended(exit)) => return Err(broker.close(exit)),
                Err(failure) => return Err(broker.refuse(&failure)),
            },
            Step::StartTls(asking) => {
                let started;
                (broker, started) = start_tls(broker, asking);
                match started {
                    Ok(Started::Spoken) => Step::Split,
                    Ok(Started::Unavailable(worker)) => Step::Hold(worker),
                    Ok(Started::Ended(exit)) => return Err(broker.close(exit)),
                    Err(failure) => return Err(broker.refuse(&failure)),
                }
            }
        };
    }
}

/// Two children more: the one with the key first, so that it knows least of the others.
fn start_tls(
    mut broker: Broker<Root>,
    asking: Option<Worker>,
) -> (Broker<Root>, Result<Started, Failure>) {
    let between = match broker.between() {
        Ok(between) => between,
        Err(failure) => return (broker, Err(failure)),
    };
    let key = match broker.split_key() {
        Ok(Split::Child(birth)) => {
            sys::process::exit(protect::key(broker.setup, broker.power, between, birth))
        }
        Ok(Split::Broker(key)) => key,
        Err(failure) => return (broker, Err(failure)),
    };
    let relay = match broker.split_relay() {
        Ok(Split::Child(birth)) => {
            sys::process::exit(protect::relay(broker.setup, broker.power, between, birth))
        }
        Ok(Split::Broker(relay)) => relay,
        Err(failure) => return (broker, Err(failure)),
    };
    let started = broker.start_tls(asking, (relay, key), between);
    (broker, started)
}
