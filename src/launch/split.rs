//! One session, from the first fork to the last line of the log. The broker; each child leaves at its fork.

use std::os::fd::OwnedFd;

use super::role;
use crate::broker::{Broker, Outcome, Split, refuse};
use crate::exit::Exit;
use crate::setup::Setup;

/// Serves one session, to its end.
pub(super) fn serve(setup: Setup, empty: OwnedFd) -> Exit {
    let mut broker = match Broker::shed(setup, empty) {
        Ok(broker) => broker,
        Err(failed) => return refuse(failed.0, &failed.1),
    };
    let outcome = match broker.split_login() {
        Ok(Split::Child(birth)) => {
            sys::process::exit(role::login(broker.setup, broker.power, birth))
        }
        Ok(Split::Broker(worker)) => broker.login(worker),
        Err(failure) => Err(failure),
    };
    let grant = match outcome {
        Ok(Outcome::Granted(grant)) => *grant,
        Ok(Outcome::Ended(exit)) => return broker.close(exit),
        Err(failure) => return refuse(broker.setup, &failure),
    };
    let worker = match broker.split_session(&grant) {
        Ok(Split::Child(birth)) => sys::process::exit(role::session(broker.setup, grant, birth)),
        Ok(Split::Broker(worker)) => worker,
        Err(failure) => return refuse(broker.setup, &failure),
    };
    // The session worker does not speak before the last of root is gone.
    let mut broker = match broker.shrink(&grant.settings) {
        Ok(broker) => broker,
        Err(failed) => return refuse(failed.0, &failed.1),
    };
    match broker.session(worker, &grant) {
        Ok(exit) => broker.close(exit),
        Err(failure) => refuse(broker.setup, &failure),
    }
}
