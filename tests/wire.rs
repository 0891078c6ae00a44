//! What an attacker who owns a worker can tell the broker: every message that is not allowed ends
//! the session, at once, with a line in the log, and leaves nothing behind. Sent from inside real
//! workers, over their own channel.
#![cfg(test)]

mod harness;

use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Instant;

use cellftpd::wire::event::{End, Note, Violation};
use cellftpd::wire::relay::{self, Established, Of, Report};
use cellftpd::wire::session::{Answer, Family, Protection, Unavailable};
use cellftpd::wire::{Bounded, Channel, Fault, MESSAGE_MAX, key, login, session};
use harness::client::ready;
use harness::inject::{Inject, Outcome, channel_of, channels_of};
use harness::{PATIENCE, Process, Session, Site, Tls, eventually};
use nix::poll::PollFlags;
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Which worker sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worker {
    Login,
    Session,
}

/// A datagram.
#[derive(Debug, Clone)]
struct Message(Vec<u8>);

/// What is sent, and what the log has to say about it.
struct Case {
    what: String,
    messages: Vec<Message>,
    cause: &'static str,
}

const UNDECODABLE: &str = "an undecodable message";
const EMPTY: &str = "an empty message";
const OVERSIZED: &str = "an oversized message";

/// The exit status of a session that a breach ended: EX_SOFTWARE.
const SOFTWARE: i32 = 70;

fn case(what: &str, messages: impl IntoIterator<Item = Message>, cause: &'static str) -> Case {
    Case { what: what.to_owned(), messages: messages.into_iter().collect(), cause }
}

fn one(what: &str, message: impl Into<Vec<u8>>, cause: &'static str) -> Case {
    case(what, [Message(message.into())], cause)
}

fn bytes(message: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(message).expect("every message has an encoding")
}

fn plain(message: &impl Serialize) -> Message {
    Message(bytes(message))
}

/// One more byte than there should be, and one less.
fn longer(message: &impl Serialize) -> Vec<u8> {
    [bytes(message), vec![0]].concat()
}

fn shorter(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = bytes(message);
    bytes.pop();
    bytes
}

/// Bytes for a bounded field of so many, whatever the bound is.
fn field(count: usize) -> Vec<u8> {
    [bytes(&count), vec![b'x'; count]].concat()
}

fn a_login() -> login::Ask {
    login::Ask::Login {
        user: Bounded::cut(b"nobody-here"),
        unread: Bounded::default(),
        protection: None,
    }
}

fn a_login_note() -> login::Ask {
    login::Ask::Note(Note::Protocol(Bounded::cut(b"a note")))
}

fn a_note() -> session::Ask {
    session::Ask::Note(Note::Protocol(Bounded::cut(b"a note")))
}

fn ready_with(text: &[u8]) -> session::Ask {
    session::Ask::Ready(Bounded::cut(text))
}

/// What is wrong in whatever phase it comes.
fn in_any_phase() -> Vec<Case> {
    // The first variant of every ask: a violation, one byte 0 and the number of a system call.
    let violation = || Message([vec![0], 57_i32.to_ne_bytes().to_vec()].concat());
    let panicked = || Message([vec![1], field(4)].concat());
    let endless = [vec![1], vec![0xff; 9], vec![0x7f]].concat();
    vec![
        one("nothing", [], EMPTY),
        one("one byte too many", vec![0; MESSAGE_MAX + 1], OVERSIZED),
        one("four times too many", vec![1; 4 * MESSAGE_MAX], OVERSIZED),
        one("as many as may be, of nothing", vec![0; MESSAGE_MAX], UNDECODABLE),
        one("a variant that is none", [99], UNDECODABLE),
        one("a variant that never ends", [0xff; 16], UNDECODABLE),
        one("a text of a length that never ends", endless, UNDECODABLE),
        one("a text longer than it says", [vec![1], field(4), vec![b'x']].concat(), UNDECODABLE),
        one("a text longer than it may be", [vec![1], field(257)].concat(), UNDECODABLE),
        one("half a violation", [0, 1, 2], UNDECODABLE),
        one("a violation and more", vec![0; 6], UNDECODABLE),
        case("two violations", [violation(), violation()], "violation was asked too often"),
        case("two panics", [panicked(), panicked()], "panicked was asked too often"),
    ]
}

/// What is wrong before login.
fn before_login() -> Vec<Case> {
    let listen = session::Ask::Listen(Family::V4, Protection::Clear);
    let connect =
        session::Ask::Connect(SocketAddr::from(([127, 0, 0, 1], 2121)), Protection::Clear);
    let long_name = [vec![2], field(257), field(0)].concat();
    let long_host = [vec![5], field(login::HOST_MAX + 1)].concat();
    let long_rest = [vec![2], field(4), field(login::UNREAD_MAX + 1)].concat();
    vec![
        one("a listener, out of phase", bytes(&listen), UNDECODABLE),
        one("a connection, out of phase", bytes(&connect), UNDECODABLE),
        one("readiness, out of phase", bytes(&ready_with(b"ready")), UNDECODABLE),
        one(
            "a status, out of phase",
            bytes(&session::Ask::Status(Bounded::cut(b"x"))),
            UNDECODABLE,
        ),
        one("the broker's own answer", bytes(&login::Answer::Granted), UNDECODABLE),
        one("a login, cut short", shorter(&a_login()), UNDECODABLE),
        one("a login, and more", longer(&a_login()), UNDECODABLE),
        one("a note, and more", longer(&a_login_note()), UNDECODABLE),
        one("a name that is too long", long_name, UNDECODABLE),
        one("unread commands without end", long_rest, UNDECODABLE),
        one("a host of a name that is too long", long_host, UNDECODABLE),
        case(
            "twenty hosts and one",
            vec![plain(&login::Ask::Host(Bounded::cut(b"a.example"))); 21],
            "host was asked too often",
        ),
        case(
            "a hundred notes and one",
            vec![plain(&a_login_note()); 101],
            "note was asked too often",
        ),
    ]
}

/// What is wrong in a session.
fn after_login() -> Vec<Case> {
    let long_path = [vec![5, 1, 0], field(4097), vec![0]].concat();
    let an_address =
        session::Ask::Connect(SocketAddr::from(([127, 0, 0, 1], 2121)), Protection::Clear);
    vec![
        one("a login, out of phase", bytes(&a_login()), UNDECODABLE),
        one("a note of the login worker", bytes(&a_login_note()), UNDECODABLE),
        one("the broker's own answer", bytes(&Answer::Listening(21)), UNDECODABLE),
        one("readiness, twice", bytes(&ready_with(b"again")), "ready was asked too often"),
        one("readiness, cut short", shorter(&ready_with(b"ready")), UNDECODABLE),
        one("a family that is none", [3, 2], UNDECODABLE),
        one(
            "a listener, and more",
            longer(&session::Ask::Listen(Family::V4, Protection::Clear)),
            UNDECODABLE,
        ),
        one("an address, cut short", shorter(&an_address), UNDECODABLE),
        one("an address, and more", longer(&an_address), UNDECODABLE),
        one("an address of no family", [4, 2, 127, 0, 0, 1, 80], UNDECODABLE),
        one("a path that is too long", long_path, UNDECODABLE),
        one("a change that is none", [vec![5, 1, 99], field(1), vec![0]].concat(), UNDECODABLE),
        one(
            "a name that is there or not",
            [vec![5, 1, 0], field(1), vec![2]].concat(),
            UNDECODABLE,
        ),
        one("a note, cut short", shorter(&a_note()), UNDECODABLE),
        one("an end that is none", [6, 4, 99], UNDECODABLE),
    ]
}

/// Random bytes that are no message of this type; the same in every run.
fn garbage<Ask: DeserializeOwned>(what: &str, seed: u64) -> Vec<Case> {
    let mut state = seed;
    let mut next = move || {
        // xorshift64: Marsaglia, 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut cases = Vec::new();
    while cases.len() < 16 {
        let length = usize::try_from(1 + next() % 600).expect("it is small");
        let mut message: Vec<u8> = (0..length).map(|_| next().to_le_bytes()[3]).collect();
        // Half of them begin as a message does, so that they get further.
        message[0] %= if next() % 2 == 0 { 255 } else { 8 };
        if !matches!(postcard::take_from_bytes::<Ask>(&message), Ok((_, []))) {
            cases.push(one(&format!("{what} {message:02x?}"), message, UNDECODABLE));
        }
    }
    cases
}

impl Worker {
    /// A session in which this worker serves.
    #[track_caller]
    fn serving(self, site: &Site) -> (Session, Process) {
        let mut session = site.connect();
        session.hears("220");
        if self == Worker::Session {
            session.logs_in();
        }
        let processes = session.settled(2);
        let worker = processes.into_iter().find(|one| *one != session.broker());
        (session, worker.expect("there are two"))
    }
}

/// Sends the messages from inside, and tells how far that came.
fn send(worker: Process, messages: &[Message]) -> Vec<Outcome> {
    let channel = channel_of(worker);
    let mut inside = Inject::into(worker);
    messages.iter().map(|Message(bytes)| inside.sends(channel, bytes)).collect()
}

/// Plays a case, and looks at all that must come of it.
fn play(worker: Worker, case: &Case) {
    println!("{worker:?}: {}", case.what);
    let site = Site::readonly().set("login.max_failures", "20");
    let (mut session, process) = worker.serving(&site);
    let broker = session.broker();
    let outcomes = send(process, &case.messages);
    let sent = |outcome: &&Outcome| outcome.value().is_some() || **outcome == Outcome::Ended;
    let taken = outcomes.iter().filter(sent).count();
    assert_eq!(taken, case.messages.len(), "{}: not sent: {outcomes:?}", case.what);
    session.hears("421");
    session.hears_the_end();
    assert_eq!(exit_status(broker), SOFTWARE, "{}", case.what);
    session.is_over_within(PATIENCE);
    let cause = case.cause;
    let line = site.log().tells(&format!("failure session=*cause=\"the worker sent {cause}\""));
    assert!(line.contains(" from=127.0.0.1 "), "{line}");
    site.log().tells("end session=");
}

/// How the broker, a child of ours, ended. It is left to be reaped.
#[track_caller]
fn exit_status(broker: Process) -> i32 {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    eventually("the end of the broker", || {
        match waitid(Id::Pid(Pid::from_raw(broker.pid)), flags) {
            Ok(WaitStatus::Exited(_, status)) => Some(status),
            Ok(WaitStatus::StillAlive) => None,
            other => panic!("the broker did not exit: {other:?}"),
        }
    })
}

#[test]
fn what_is_wrong_in_any_phase_ends_the_session() {
    for case in in_any_phase() {
        play(Worker::Login, &case);
        play(Worker::Session, &case);
    }
}

#[test]
fn what_is_wrong_before_login_ends_the_session() {
    before_login().iter().for_each(|case| play(Worker::Login, case));
}

#[test]
fn what_is_wrong_after_login_ends_the_session() {
    after_login().iter().for_each(|case| play(Worker::Session, case));
}

#[test]
fn garbage_ends_the_session() {
    let before = garbage::<login::Ask>("garbage", 0x9e37_79b9_7f4a_7c15);
    before.iter().for_each(|case| play(Worker::Login, case));
    let after = garbage::<session::Ask>("garbage", 0x2545_f491_4f6c_dd1d);
    after.iter().for_each(|case| play(Worker::Session, case));
}

/// Logs in from inside, each time hearing the answer, until there is none. No password is written: the broker does not
/// look at it, and nobody of that name may log in.
fn attempts(worker: Process, count: usize) -> Vec<login::Answer> {
    let channel = channel_of(worker);
    let mut inside = Inject::into(worker);
    let mut attempt = || {
        inside.sends(channel, &bytes(&a_login())).value()?;
        postcard::from_bytes(&inside.receives(channel)?).ok()
    };
    (0..count).map_while(|_| attempt()).collect()
}

#[test]
fn twenty_attempts_are_all_that_there_are() {
    let site = Site::readonly().set("login.max_failures", "20");
    let (mut session, process) = Worker::Login.serving(&site);
    let answers = attempts(process, 21);
    assert_eq!(answers.len(), 20, "{answers:?}");
    session.hears("421");
    session.hears_the_end();
    assert_eq!(exit_status(session.broker()), SOFTWARE);
    session.is_over_within(PATIENCE);
    site.log().tells("failure session=*cause=\"the worker sent login was asked too often\"");
}

/// The count of failures is the broker's: a worker that does not hang up after the last one is not
/// heard again.
#[test]
fn no_attempt_is_judged_after_the_last_one() {
    let site = Site::readonly().set("login.max_failures", "2");
    let (mut session, process) = Worker::Login.serving(&site);
    let answers = attempts(process, 5);
    assert_eq!(answers, [login::Answer::Refused, login::Answer::RefusedLast]);
    session.hears("421");
    session.hears_the_end();
    session.is_over_within(PATIENCE);
    site.log().tells("failure session=*cause=\"the worker sent *\"");
}

/// Descriptors in flight are counted per account, and login workers share theirs: none of them may send one.
#[test]
fn no_worker_has_a_way_to_hand_a_descriptor_over() {
    for worker in [Worker::Login, Worker::Session] {
        let site = Site::readonly();
        let (mut session, process) = worker.serving(&site);
        let channel = channel_of(process);
        for fds in [&[0][..], &[0, 0], &[0; 200]] {
            let refused = Inject::into(process).sends_with(channel, &[1, 0], fds);
            assert_eq!(refused, Outcome::Refused);
        }
        session.asks("NOOP", "200");
        session.quits();
    }
}

/// If one came all the same, it would be closed, and more than one is a fault.
#[test]
fn descriptors_that_come_unasked_are_closed() {
    for (count, expected) in
        [(1, None), (2, Some(Fault::Descriptors)), (9, Some(Fault::Descriptors))]
    {
        let (near, far) = sys::channel::pair().expect("a pair");
        let far = Channel::<(), u8>::from(far);
        let (reading, writing) = nix::unistd::pipe().expect("a pipe");
        let fds = vec![reading.as_raw_fd(); count];
        let rights = [ControlMessage::ScmRights(&fds)];
        let slices = [IoSlice::new(&[7])];
        sendmsg::<()>(near.as_raw_fd(), &slices, &rights, MsgFlags::empty(), None).expect("sent");
        assert_eq!(far.hear().map(drop).err(), expected, "{count} descriptors");
        drop(reading);
        let nobody_reads = ready(&writing, PollFlags::empty(), Instant::now() + PATIENCE);
        assert!(nobody_reads.is_ok_and(|is| is), "one of {count} is still held");
    }
}

/// What a worker forges in the log is one line of its own, escaped, and names the session.
#[test]
fn a_note_can_not_forge_a_line() {
    let site = Site::readonly();
    let (session, process) = Worker::Session.serving(&site);
    let text = b"x\"\r\n2026-01-01T00:00:00Z login session=forged user=root";
    let note = session::Ask::Note(Note::Protocol(Bounded::cut(text)));
    let violation = session::Ask::Violation(Violation(0_i32.to_ne_bytes()));
    send(process, &[plain(&note), plain(&violation)]);
    site.log().tells("violation session=*process=session system-call=read");
    let line = site.log().tells("protocol session=*cause=\"x\\\"\\x0d\\x0a2026");
    assert!(line.ends_with("user=root\""), "{line}");
    assert!(!site.log().text().contains("\n2026-01-01T00:00:00Z"), "{}", site.log().text());
    session.quits();
}

/// The last word of a worker is its reason, not its permission to stay.
#[test]
fn an_end_that_is_only_said_is_no_end() {
    let site = Site::readonly();
    let (mut session, process) = Worker::Session.serving(&site);
    send(process, &[plain(&session::Ask::Note(Note::End(End::Quit)))]);
    session.asks("NOOP", "200");
    session.quits();
}

/// The session worker, among so many processes.
fn anonymous(session: &Session, count: usize) -> Process {
    let all = session.settled(count);
    let worker = all.into_iter().find(|one| one.title().ends_with("[anonymous]"));
    worker.expect("somebody has logged in")
}

/// The word of a worker that goes on all the same is not that of the one behind it.
#[test]
fn an_end_that_one_worker_has_said_is_not_the_next_one_s() {
    for tls in [false, true] {
        let site = Site::readonly().with_tls();
        let (mut session, process) = Worker::Login.serving(&site);
        send(process, &[plain(&login::Ask::Note(Note::End(End::Quit)))]);
        if tls {
            session.starts_tls(&Tls::new());
        }
        session.logs_in();
        anonymous(&session, if tls { 4 } else { 2 }).signal(Signal::SIGKILL);
        session.hears("421");
        session.hears_the_end();
        site.log().tells("end session=* end=broken");
    }
}

/// The relay of a session over TLS whose key process is dead, and its channel to the broker: the one whose other end is not
/// closed.
fn relay_of(session: &Session) -> (Process, i32) {
    let all = session.settled(4);
    let of = |role| *all.iter().find(|one| one.title().ends_with(role)).expect("it is there");
    let (relay, key) = (of("[relay]"), of("[key]"));
    key.signal(Signal::SIGKILL);
    eventually("the end of the key process", || key.is_gone().then_some(()));
    let mut inside = Inject::into(relay);
    let mut open = channels_of(relay);
    open.retain(|channel| !inside.polls(*channel, PollFlags::empty()));
    let [broker] = open[..] else { panic!("one of the two is left: {open:?}") };
    (relay, broker)
}

fn established(of: Of) -> Report {
    Report::Established(Established {
        of,
        version: Bounded::default(),
        suite: Bounded::default(),
        group: Bounded::default(),
        resumed: true,
        host: None,
        certificate: Some(Bounded::cut(b"CN=root")),
    })
}

/// Who owns the relay tells of the handshakes that there are, and of each of them once.
#[test]
fn a_relay_tells_of_each_handshake_once() {
    const UNBEGUN: &str = "the end of a handshake that is not going on";
    let failed = |of| Report::Failed { of, cause: Bounded::cut(b"x") };
    for (report, cause) in [
        (established(Of::Control), UNBEGUN),
        (established(Of::Data), UNBEGUN),
        (failed(Of::Control), UNBEGUN),
        (failed(Of::Data), UNBEGUN),
        (Report::Ready, "ready was asked too often"),
    ] {
        for logs_in in [false, true] {
            let site = Site::readonly().with_tls();
            let mut session = site.connect();
            session.hears("220");
            session.starts_tls(&Tls::new());
            let (relay, channel) = relay_of(&session);
            if logs_in {
                session.logs_in();
                session.protects();
                assert_eq!(session.gets("/welcome.txt"), b"Welcome.\r\n");
            }
            let broker = session.broker();
            Inject::into(relay).sends(channel, &bytes(&report));
            assert_eq!(exit_status(broker), SOFTWARE, "{report:?}");
            session.hangs_up();
            session.is_over_within(PATIENCE);
            let line = format!("failure session=*cause=\"the worker sent {cause}\"");
            site.log().tells(&line);
            assert!(!site.log().text().contains("CN=root"), "{}", site.log().text());
        }
    }
}

/// The channel to the broker of a worker that is held: where it is told that somebody has come to its port, and with
/// what name for the relay.
fn told_of_data(
    inside: &mut Inject,
    worker: Process,
    port: SocketAddr,
    id: Option<relay::Id>,
) -> i32 {
    let _data = TcpStream::connect(port).expect("the broker listens");
    // The relay may have something to say of it too.
    eventually("a data connection", || {
        channels_of(worker).into_iter().find(|&channel| {
            inside.polls(channel, PollFlags::POLLIN)
                && inside
                    .receives(channel)
                    .is_some_and(|told| postcard::from_bytes(&told) == Ok(Answer::Data(id)))
        })
    })
}

/// Whether data may be protected is the broker's to say, whatever a worker asks for.
#[test]
fn data_is_protected_where_it_may_be() {
    let connect = session::Ask::Connect(([127, 0, 0, 1], 2121).into(), Protection::Private);
    let listen = session::Ask::Listen(Family::V4, Protection::Private);
    for (over_tls, rule, ask, may) in [
        (false, "allow", &listen, false),
        (false, "allow", &connect, false),
        (true, "forbid", &listen, false),
        (true, "forbid", &connect, false),
        (true, "allow", &listen, true),
    ] {
        let what = format!("over TLS: {over_tls}, tls.data: {rule}, {ask:?}");
        let site = Site::readonly().with_tls().set("tls.data", &format!("{rule:?}"));
        let mut session = site.connect();
        session.hears("220");
        if over_tls {
            session.starts_tls(&Tls::new());
        }
        session.logs_in();
        let reply = session.asks("EPSV", "229 *");
        let worker = anonymous(&session, if over_tls { 4 } else { 2 });
        let mut inside = Inject::into(worker);
        let channel = told_of_data(&mut inside, worker, session.address_in(&reply), None);
        inside.sends(channel, &bytes(ask));
        let heard = postcard::from_bytes(&inside.receives(channel).expect("an answer"));
        match may {
            false => assert_eq!(heard, Ok(FORBIDDEN), "{what}"),
            true => assert!(matches!(heard, Ok(Answer::Listening(_))), "{what}: {heard:?}"),
        }
    }
}

/// A worker that wants its data in clear where it may not be gets the plain side of what the relay protects.
#[test]
fn data_is_protected_where_it_has_to_be() {
    for (rule, id) in [("require", Some(0)), ("allow", None)] {
        let site = Site::readonly().with_tls().set("tls.data", &format!("{rule:?}"));
        let mut session = site.connect();
        session.hears("220");
        session.starts_tls(&Tls::new());
        session.logs_in();
        // PROT was never said.
        let reply = session.asks("EPSV", "229 *");
        let worker = anonymous(&session, 4);
        let mut inside = Inject::into(worker);
        told_of_data(&mut inside, worker, session.address_in(&reply), id);
    }
}

/// Who owns the relay gets no signature for anything else, and no session behind that.
#[test]
fn a_relay_that_asks_for_a_foreign_signature_is_ended() {
    let site = Site::readonly().with_tls();
    let mut session = site.connect();
    session.hears("220");
    session.starts_tls(&Tls::new());
    let broker = session.broker();
    let all = session.settled(4);
    let relay = *all.iter().find(|one| one.title().ends_with("[relay]")).expect("it is there");
    // The way to the broker has a lower number too, for when it panics.
    let way = *channels_of(relay).iter().max().expect("it has two");
    let input = Bounded::cut(&[7; 130]);
    let ask = key::Ask::Sign { key: 0, scheme: 0x0403, input };
    Inject::into(relay).sends(way, &bytes(&ask));
    assert_eq!(exit_status(broker), SOFTWARE);
    session.hangs_up();
    session.is_over_within(PATIENCE);
    site.log().tells("failure session=*cause=\"the worker sent what no handshake signs\"");
}

/// An address that a worker asks a connection to, and what the configuration says.
struct Reach {
    what: &'static str,
    settings: &'static [(&'static str, &'static str)],
    to: fn(u16) -> SocketAddr,
    answer: Answer,
}

const FORBIDDEN: Answer = Answer::Unavailable(Unavailable::Forbidden);

fn reaches() -> Vec<Reach> {
    const NONE: &[(&str, &str)] = &[];
    const AT_HOME: &[(&str, &str)] = &[("network.active_loopback", "false")];
    const ANY: &[(&str, &str)] =
        &[("network.active_loopback", "false"), ("network.data_peer", "\"any\"")];
    const PASSIVE: &[(&str, &str)] = &[("network.active", "false")];
    let reach = |what, settings, to| Reach { what, settings, to, answer: FORBIDDEN };
    vec![
        reach("a stranger", NONE, |port| ([127, 0, 0, 2], port).into()),
        reach("a stranger far away", NONE, |port| ([192, 0, 2, 1], port).into()),
        reach("a stranger by IPv6", NONE, |port| ([0, 0, 0, 0, 0, 0, 0, 1_u16], port).into()),
        reach("a stranger, mapped", NONE, |port| mapped([127, 0, 0, 2], port)),
        reach("nobody's address", NONE, |port| ([0, 0, 0, 0], port).into()),
        reach("everybody's address", NONE, |port| ([255, 255, 255, 255], port).into()),
        reach("port 22", NONE, |_| ([127, 0, 0, 1], 22).into()),
        reach("port 1023", NONE, |_| ([127, 0, 0, 1], 1023).into()),
        reach("port 0", NONE, |_| ([127, 0, 0, 1], 0).into()),
        reach("this machine", AT_HOME, |port| ([127, 0, 0, 1], port).into()),
        reach("this machine, mapped", AT_HOME, |port| mapped([127, 0, 0, 1], port)),
        reach("this machine as another", ANY, |port| ([127, 0, 0, 2], port).into()),
        reach("this machine as nobody", ANY, |port| ([0, 0, 0, 0], port).into()),
        reach("this machine by IPv6", ANY, |port| ([0, 0, 0, 0, 0, 0, 0, 1_u16], port).into()),
        reach("this machine as nobody of IPv6", ANY, |port| ([0_u16; 8], port).into()),
        reach("anybody, with active mode off", PASSIVE, |port| ([127, 0, 0, 1], port).into()),
        Reach {
            what: "the client",
            settings: NONE,
            to: |port| ([127, 0, 0, 1], port).into(),
            answer: Answer::Data(None),
        },
    ]
}

/// An IPv4 address in the clothes of IPv6.
fn mapped(address: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::from(address).to_ipv6_mapped(), port))
}

#[test]
fn only_the_client_is_connected_to() {
    for Reach { what, settings, to, answer } in reaches() {
        let mut site = Site::readonly();
        for (name, value) in settings {
            site = site.set(name, value);
        }
        // On every address, so that nothing but the broker is in the way.
        let listener = TcpListener::bind(("::", 0)).expect("IPv6 is to be had");
        listener.set_nonblocking(true).expect("it is a socket");
        let to = to(listener.local_addr().expect("it is bound").port());
        let (mut session, process) = Worker::Session.serving(&site);
        let channel = channel_of(process);
        let heard = {
            let mut inside = Inject::into(process);
            inside.sends(channel, &bytes(&session::Ask::Connect(to, Protection::Clear)));
            inside.receives(channel).expect("an answer")
        };
        assert_eq!(postcard::from_bytes(&heard), Ok(answer), "{what}");
        if answer == FORBIDDEN {
            let told = format!("data-refused *to={to} cause=\"refused by the configuration\"");
            site.log().tells(&told);
            assert!(listener.accept().is_err(), "{what} was connected to");
        } else {
            // Who connects may know of it before who listens.
            eventually(what, || listener.accept().ok());
        }
        session.asks("NOOP", "200");
        session.quits();
    }
}
