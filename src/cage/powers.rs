//! Which capabilities the broker keeps, computed from the configuration. `check` prints what is here.

use super::caps::{Capability, Set};
use crate::config::Settings;

/// What the steps to come need: to become other users, to enter jails, to sweep what PAM left. `may_hold` says whether
/// something may be so for this client, with the host it may ask for.
pub fn before_login(may_hold: impl Fn(fn(&Settings) -> bool) -> bool) -> Set {
    // A match for a user may yet turn active mode on.
    Set::NONE
        .with_if(may_hold(has_low_port), Capability::CAP_NET_BIND_SERVICE)
        .with(Capability::CAP_SETUID)
        .with(Capability::CAP_SETGID)
        .with(Capability::CAP_SETPCAP)
        .with(Capability::CAP_SYS_CHROOT)
        .with_if(may_hold(|settings| settings.local.enabled), Capability::CAP_KILL)
}

/// What a session needs: nothing, unless active mode binds a port below 1024.
pub fn after_login(settings: &Settings) -> Set {
    let low_port = settings.network.active && has_low_port(settings);
    Set::NONE.with_if(low_port, Capability::CAP_NET_BIND_SERVICE)
}

fn has_low_port(settings: &Settings) -> bool {
    (1..1024).contains(&settings.network.active_source_port)
}
