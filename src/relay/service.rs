//! The relay's loop: one control connection, and the data connections of its session. Relay; the broker and the worker
//! are not trusted to keep to the order of things.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::Start;
use super::configs::Configs;
use super::control::Control;
use super::data::{Data, Terms};
use super::raw::Raw;
use super::remote::{Link, RemoteKey};
use super::resolver::Resolver;
use super::sides::{Sides, Told, Watch};
use crate::wire::relay::{
    CONNECTIONS_MOST, Id, Order, RelayEnd, Report, Rules, SessionEnd, Wish, Word,
};
use crate::wire::{Bounded, Fault};
use crate::worker::stream::Stream;
use crate::worker::wait::{wait, wait_for};

/// All that it has.
#[derive(Debug)]
pub struct Relay {
    broker: Option<RelayEnd>,
    worker: Option<SessionEnd>,
    key: Arc<Link>,
    configs: Configs,
    control: Control,
    data: Vec<Data>,
    rules: Rules,
    /// From the client or from the worker, in one step; nothing stays in it.
    scratch: Vec<u8>,
}

/// Prepares what the client will be spoken to with, and serves it. Says first whether it can. Fails if one of the others sends
/// what it should not.
pub fn serve(start: Start) -> Result<(), Fault> {
    let Start { input, output, plain, broker, key, certificates, policy, host, patience } = start;
    let link = Link::new(key, patience);
    // It has told the broker why it is gone.
    if matches!(link, Err(Fault::Closed)) {
        return Ok(());
    }
    let configs = link.map_err(|fault| format!("no keys from the key process: {fault}")).and_then(
        |(link, keys)| {
            if keys.len() != certificates.len() {
                return Err(format!("{} keys, {} certificates", keys.len(), certificates.len()));
            }
            let mut certified = Vec::new();
            for (index, (certificate, public)) in (0u8..).zip(certificates.iter().zip(keys)) {
                let one = certificate
                    .certify(RemoteKey::new(&link, index, public))
                    .map_err(|cause| format!("{}: {cause}", certificate.path))?;
                certified.push((certificate.names.clone(), one));
            }
            Ok((link, Configs::new(Resolver::new(certified, host), &policy)?))
        },
    );
    let (key, configs) = match configs {
        Ok(configs) => configs,
        Err(cause) => {
            let _ = broker.tell(&Report::Unfit(Bounded::cut(cause.as_bytes())));
            return Ok(());
        }
    };
    let raw = Raw::halves(input, output);
    if broker.tell(&Report::Ready).is_ok() && matches!(broker.hear(), Ok((Order::Begin, None))) {
        let control = Control::new(raw, Stream::new(plain), configs.control.clone(), patience);
        let rules = Rules { require_reuse: true, ccc: false, data_connect: patience };
        Relay {
            broker: Some(broker),
            worker: None,
            key,
            configs,
            control,
            data: vec![],
            rules,
            scratch: vec![0; SCRATCH],
        }
        .run()?;
    }
    Ok(())
}

impl Relay {
    fn run(mut self) -> Result<(), Fault> {
        while !self.control.is_over() || self.data.iter().any(Data::is_draining) {
            self.round()?;
            if self.control.is_ending() {
                self.data.iter_mut().for_each(Data::hurry);
            }
        }
        Ok(())
    }

    fn round(&mut self) -> Result<(), Fault> {
        let ready = self.wait()?;
        let mut told = Told::default();
        self.step_data(&ready, &mut told);
        // What has become of a handshake is told before the command that wants to know is passed on; how a transfer has ended,
        // behind the end of a client that was killed: the system closes its control connection first.
        let is_end = |word: &Word| matches!(word, Word::Done(..));
        let (ends, words): (Vec<_>, _) = told.words.drain(..).partition(is_end);
        told.words = words;
        self.tell(&mut told)?;
        self.step_control(can(&ready, CONTROL), !ends.is_empty(), &mut told)?;
        told.words.extend(ends);
        if can(&ready, BROKER).read_raw {
            self.hear_broker(&mut told)?;
        } else if can(&ready, WORKER).read_raw {
            // It may speak of a connection that the broker has told of: that is heard first.
            self.hear_worker(&mut told)?;
        }
        self.data.retain(|data| !data.is_over());
        self.tell(&mut told)
    }

    fn step_data(&mut self, ready: &[Sides], told: &mut Told) {
        for (index, data) in (DATA..).zip(&mut self.data) {
            if is_late(data.deadline()) {
                data.expire(told);
            }
            let can = can(ready, index);
            if can != Sides::default() {
                data.step(can, &mut self.scratch, told);
            }
        }
    }

    /// Poll has said what it can; `again`, as that may have been before something that has come since.
    fn step_control(&mut self, mut can: Sides, again: bool, told: &mut Told) -> Result<(), Fault> {
        if is_late(self.control.deadline()) {
            self.control.expire(told);
        }
        if again && self.control.wants().read_raw {
            let input = self.control.raw().input();
            can.read_raw |=
                wait_for(input, PollFlags::POLLIN, Instant::now()).map_err(Fault::System)?;
        }
        self.control.step(can, &mut self.scratch, told);
        Ok(())
    }

    fn wait(&self) -> Result<Vec<Sides>, Fault> {
        let mut watch = Watch::default();
        // In this order: poll looks at one after the other, and what the worker speaks of the broker has told of before.
        if let Some(worker) = &self.worker {
            watch.channel(WORKER, worker);
        }
        if let Some(broker) = &self.broker {
            watch.channel(BROKER, broker);
        }
        let control = &self.control;
        watch.connection(CONTROL, control.wants(), control.raw(), Some(control.plain()));
        for (index, data) in (DATA..).zip(&self.data) {
            watch.connection(index, data.wants(), data.raw(), data.plain());
        }
        let deadlines = self.data.iter().filter_map(Data::deadline).chain(control.deadline());
        let deadline = deadlines.min().unwrap_or_else(|| Instant::now() + DAY);
        wait(watch.fds(), deadline).map_err(Fault::System)?;
        Ok(watch.ready(DATA + self.data.len()))
    }

    fn hear_broker(&mut self, told: &mut Told) -> Result<(), Fault> {
        let Some(broker) = &self.broker else { return Ok(()) };
        match broker.hear() {
            Ok((Order::Data(id), Some(client))) => self.accept(id, client, told),
            Ok((Order::Plain(id), Some(plain))) => {
                // Of a connection that has failed at once there is perhaps nothing left to join.
                if let Some(data) = self.data.iter_mut().find(|data| data.id == id) {
                    data.join(plain);
                }
                Ok(())
            }
            Ok((Order::Worker(rules), Some(worker))) => {
                self.rules = rules;
                self.control.may_clear(rules.ccc);
                self.worker = Some(SessionEnd::from(worker));
                Ok(())
            }
            Err(Fault::Closed) => {
                self.broker = None;
                self.control.finish();
                self.control.step(Sides::default(), &mut self.scratch, told);
                Ok(())
            }
            Ok(_) => Err(Fault::Undecodable),
            Err(fault) => Err(fault),
        }
    }

    fn accept(&mut self, id: Id, client: OwnedFd, told: &mut Told) -> Result<(), Fault> {
        if self.data.iter().any(|data| data.id == id) {
            return Err(Fault::Undecodable);
        }
        if self.data.len() >= CONNECTIONS_MOST {
            // The oldest of those that nobody waits for, or else the oldest.
            let oldest = self.data.iter().position(Data::is_draining).unwrap_or(0);
            self.data.remove(oldest).evict(told);
        }
        let config = self.configs.data(self.control.version());
        let terms = Terms {
            require_reuse: self.rules.require_reuse,
            certificate: self.control.certificate().cloned(),
            patience: self.rules.data_connect,
        };
        let mut data = Data::new(id, client, config, terms);
        data.arrive(&mut self.scratch, told);
        self.data.push(data);
        Ok(())
    }

    fn hear_worker(&mut self, told: &mut Told) -> Result<(), Fault> {
        let Some(worker) = &self.worker else { return Ok(()) };
        match worker.hear() {
            Ok((Wish::Go(id, direction), None)) => {
                // Of one that is gone the worker has been told.
                if let Some(data) = self.data.iter_mut().find(|data| data.id == id) {
                    data.go(direction);
                    data.step(Sides::default(), &mut self.scratch, told);
                }
                Ok(())
            }
            Ok((Wish::Clear, None)) if self.rules.ccc => {
                self.control.wish_clear(&mut self.scratch, told);
                Ok(())
            }
            Err(Fault::Closed) => {
                self.worker = None;
                Ok(())
            }
            Ok(_) => Err(Fault::Undecodable),
            Err(fault) => Err(fault),
        }
    }

    fn tell(&mut self, told: &mut Told) -> Result<(), Fault> {
        let told = std::mem::take(told);
        // Another session's client can't have resumed ours: whoever has, can do so again, and needs no signature.
        if told.resumed && self.rules.require_reuse {
            self.key.enough();
        }
        for report in told.reports {
            still(self.broker.as_ref().map(|broker| broker.tell(&report)))?;
        }
        for word in told.words {
            still(self.worker.as_ref().map(|worker| worker.tell(&word)))?;
        }
        Ok(())
    }
}

/// Who is gone is told of by poll; anything else is a fault.
fn still(told: Option<Result<(), Fault>>) -> Result<(), Fault> {
    match told {
        None | Some(Ok(()) | Err(Fault::Closed)) => Ok(()),
        Some(fault) => fault,
    }
}

fn is_late(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

fn can(ready: &[Sides], index: usize) -> Sides {
    ready.get(index).copied().unwrap_or_default()
}

/// The places in what is ready.
const BROKER: usize = 0;
const WORKER: usize = 1;
const CONTROL: usize = 2;
const DATA: usize = 3;

/// What is read from a client in one step: an upload's records together are worth one write to the worker.
const SCRATCH: usize = 256 * 1024;
/// As good as for ever.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
