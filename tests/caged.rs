//! What the processes of a session may do, as the kernel tells it: read from /proc, of every process, in every phase.
#![cfg(test)]

mod harness;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use harness::hang::Hanging;
use harness::phase::{PHASES, Phase, ready};
use harness::process::Descriptor;
use harness::{Process, Session, Site};
use nix::unistd::User;

/// What a process of a session is. With an account it has a uid; a session has two processes, never more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The broker while it is root.
    Root,
    /// The broker after login.
    Shrunk,
    /// The login worker.
    Login,
    /// The session worker.
    Session,
}

const SETUID: u32 = 7;
const SETGID: u32 = 6;
const KILL: u32 = 5;
const SETPCAP: u32 = 8;
const SYS_CHROOT: u32 = 18;
const NET_BIND_SERVICE: u32 = 10;

/// Capabilities by their numbers, as /proc shows sets of them.
fn set(numbers: &[u32]) -> String {
    let bits = numbers.iter().fold(0_u64, |bits, number| bits | 1 << number);
    format!("{bits:016x}")
}

/// Both processes of a session, each with what it is.
#[track_caller]
fn roles(session: &Session, phase: Phase) -> [(Role, Process); 2] {
    let processes = session.settled(2);
    let worker = *processes.iter().find(|one| **one != session.broker()).expect("there are two");
    match phase {
        Phase::BeforeLogin => [(Role::Root, session.broker()), (Role::Login, worker)],
        _ => [(Role::Shrunk, session.broker()), (Role::Session, worker)],
    }
}

/// Looks at every process, in every phase, of an anonymous and of a local session.
fn everywhere(look: impl Fn(&Site, Role, Phase, Process)) {
    for site in [ready(Site::with_incoming()), ready(Site::local())] {
        for phase in PHASES {
            let (session, _data) = phase.reach(&site);
            roles(&session, phase)
                .into_iter()
                .for_each(|(role, process)| look(&site, role, phase, process));
        }
    }
}

fn account(name: &str) -> (u32, u32) {
    let entry = User::from_name(name).ok().flatten().expect("made by the harness");
    (entry.uid.as_raw(), entry.gid.as_raw())
}

/// The four numbers of a Uid or Gid line, which must be one.
#[track_caller]
fn one_number(status: &HashMap<String, String>, name: &str) -> u32 {
    let numbers: BTreeSet<&str> = status[name].split_whitespace().collect();
    assert_eq!(
        numbers.len(),
        1,
        "{name}: real, effective, saved and file-system differ: {numbers:?}"
    );
    numbers.first().and_then(|number| number.parse().ok()).expect("it is a number")
}

#[test]
fn each_process_is_who_it_should_be() {
    everywhere(|site, role, phase, process| {
        let (uid, gid) = match role {
            Role::Root => (0, 0),
            Role::Shrunk => account("cellftpd"),
            Role::Login => account("cellftpd-net"),
            Role::Session => site.owner(),
        };
        let status = process.status();
        let found = (one_number(&status, "Uid"), one_number(&status, "Gid"));
        assert_eq!(found, (uid, gid), "{role:?} while {phase:?}");
        let groups: Vec<u32> = status["Groups"].split_whitespace().flat_map(str::parse).collect();
        assert!(
            role == Role::Root || groups.iter().all(|group| *group == gid),
            "{role:?} while {phase:?} is of the groups {groups:?}"
        );
    });
}

#[test]
fn after_login_no_process_is_root_or_can_be() {
    everywhere(|_, role, phase, process| {
        let status = process.status();
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            let allowed = if role == Role::Root { root_capabilities(name) } else { vec![set(&[])] };
            let found = &status[name];
            assert!(
                allowed.contains(found),
                "{role:?} while {phase:?}: {name} is {found}, not of {allowed:?}"
            );
        }
    });
}

/// What the broker needs for the steps to come; to sweep what PAM has left, it must be able to kill it.
fn root_capabilities(name: &str) -> Vec<String> {
    let steps = [SETUID, SETGID, SETPCAP, SYS_CHROOT];
    let with_kill = [&steps[..], &[KILL]].concat();
    match name {
        "CapPrm" | "CapEff" => vec![set(&steps), set(&with_kill)],
        "CapInh" | "CapAmb" => vec![set(&[])],
        // The auth process gets root's powers back by its exec, so far as this goes; anonymous sites have no such process.
        _ => vec![set(&steps), fs_bounding_set()],
    }
}

/// The bounding set that we have ourselves.
fn fs_bounding_set() -> String {
    let ours = Process::find(std::process::id().cast_signed()).expect("we are there");
    ours.status()["CapBnd"].clone()
}

#[test]
fn a_low_source_port_is_all_that_a_configuration_adds() {
    let site = ready(Site::with_incoming()).set("network.active_source_port", "20");
    let (session, _) = Phase::Idle.reach(&site);
    for (role, process) in roles(&session, Phase::Idle) {
        let wanted = if role == Role::Shrunk { set(&[NET_BIND_SERVICE]) } else { set(&[]) };
        let status = process.status();
        for name in ["CapPrm", "CapEff", "CapBnd"] {
            assert_eq!(status[name], wanted, "{role:?}: {name}");
        }
    }
}

#[test]
fn system_calls_are_filtered_and_set_id_programs_give_nothing() {
    everywhere(|_, role, phase, process| {
        let status = process.status();
        assert_eq!(status["Seccomp"], "2", "{role:?} while {phase:?}: Seccomp");
        if role != Role::Root {
            assert_eq!(status["NoNewPrivs"], "1", "{role:?} while {phase:?}: NoNewPrivs");
        }
    });
}

#[test]
fn nobody_of_the_same_uid_can_look_inside() {
    everywhere(|_, role, phase, process| {
        // The kernel gives what is in /proc/<pid> to root where a process is not dumpable.
        let owner = fs::metadata(process.path("status")).expect("it is there").uid();
        assert_eq!(owner, 0, "{role:?} while {phase:?} is dumpable");
        let limits = fs::read_to_string(process.path("limits")).expect("root may read it");
        let limit = |name: &str| {
            let line =
                limits.lines().find(|line| line.starts_with(name)).expect("the kernel has it");
            line[name.len()..].split_whitespace().next().unwrap_or_default().to_owned()
        };
        if role != Role::Root {
            assert_eq!(limit("Max core file size"), "0", "{role:?} while {phase:?}");
            assert_eq!(limit("Max processes"), "0", "{role:?} while {phase:?}");
        }
        let files: u32 = limit("Max open files").parse().expect("a number");
        // The brokers hand streams over, and those on their way are counted for all of them together.
        let brokers = matches!(role, Role::Root | Role::Shrunk);
        assert!(brokers || files <= 64, "{role:?} while {phase:?} may open {files} files");
    });
}

#[test]
fn each_process_is_in_its_jail() {
    everywhere(|site, role, phase, process| {
        let root = process.root();
        match role {
            Role::Root => assert_eq!(root, Path::new("/"), "while {phase:?}"),
            Role::Session => assert_eq!(root, site.path("/"), "while {phase:?}"),
            Role::Shrunk | Role::Login => {
                let names = fs::read_dir(process.path("root/")).expect("root may look").count();
                assert!(
                    names == 0 && root != Path::new("/"),
                    "{role:?} while {phase:?} sees {}",
                    root.display()
                );
            }
        }
    });
}

#[test]
fn titles_tell_who_is_served() {
    everywhere(|site, role, phase, process| {
        let what = match role {
            Role::Root | Role::Shrunk => "broker".to_owned(),
            Role::Login => "login".to_owned(),
            Role::Session => match site.login().0.as_str() {
                "anonymous" => "ftp".to_owned(),
                user => user.to_owned(),
            },
        };
        let title = process.title();
        assert!(
            title.starts_with("cellftpd: 127.0.0.1 ["),
            "{role:?} while {phase:?} is titled {title}"
        );
        let is_named = title.ends_with(&format!("[{what}]"))
            || what == "ftp" && title.ends_with("[anonymous]");
        assert!(is_named, "{role:?} while {phase:?} is titled {title}");
    });
}

/// The tables of sockets of this machine, by inode: what kind each is.
fn sockets() -> HashMap<String, &'static str> {
    let mut kinds = HashMap::new();
    for (table, inode_column) in [("tcp", 9), ("tcp6", 9), ("unix", 6)] {
        let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            let kind = match (table, fields.get(3).copied(), fields.get(4).copied()) {
                ("unix", _, Some("0005")) => "channel",
                ("unix", ..) => "unix",
                (_, Some("0A"), _) => "listener",
                (_, Some("01"), _) => "stream",
                _ => "unconnected",
            };
            kinds.insert(
                format!("socket:[{}]", fields.get(inode_column).copied().unwrap_or_default()),
                kind,
            );
        }
    }
    kinds
}

/// What a descriptor is.
fn kind(descriptor: &Descriptor, process: Process, site: &Site) -> String {
    let target = &descriptor.target;
    if target.starts_with("socket:") {
        return sockets().get(target).copied().unwrap_or("unconnected").to_owned();
    }
    if target.starts_with("pipe:") {
        let writes = descriptor.flags & libc::O_ACCMODE == libc::O_WRONLY;
        return if writes { "pipe, writing" } else { "pipe, reading" }.to_owned();
    }
    if let Some(kind) = target.strip_prefix("anon_inode:") {
        return kind.trim_matches(['[', ']']).to_owned();
    }
    if descriptor.is_directory {
        // Seen from outside; what is not below its own root is a way out of it.
        let root = process.root();
        return if Path::new(target).starts_with(root) {
            "own directory"
        } else {
            "foreign directory"
        }
        .to_owned();
    }
    if Path::new(target) == site.beside("log") {
        return "log".to_owned();
    }
    format!("file {target}")
}

#[test]
fn nobody_holds_a_descriptor_without_need() {
    everywhere(|site, role, phase, process| {
        let descriptors = process.descriptors();
        let told = || -> Vec<_> {
            let kinds = descriptors
                .iter()
                .map(|one| format!("{} {}", one.number, kind(one, process, site)));
            kinds.collect()
        };
        for descriptor in &descriptors {
            let kind = kind(descriptor, process, site);
            assert!(
                may_hold(role, phase, &kind, &descriptor.target),
                "{role:?} while {phase:?} holds {} {} ({kind}); in all: {:?}",
                descriptor.number,
                descriptor.target,
                told(),
            );
        }
        // By what they are: one may be held under two numbers.
        let count = |wanted: &str| {
            let of_kind = descriptors.iter().filter(|one| kind(one, process, site) == wanted);
            of_kind.map(|one| &one.target).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(count("channel"), 1, "{role:?} while {phase:?}: one channel: {:?}", told());
        // The client, and the data connection of a transfer.
        let most = if matches!(phase, Phase::Downloading | Phase::Uploading) { 2 } else { 1 };
        assert!((1..=most).contains(&count("stream")), "{role:?} while {phase:?}: {:?}", told());
    });
}

/// What each role needs; a worker has no listener, nothing unconnected, and nobody else's leash.
fn may_hold(role: Role, phase: Phase, kind: &str, target: &str) -> bool {
    let transfers = matches!(phase, Phase::Downloading | Phase::Uploading);
    match role {
        // In the place of the standard streams, so that nothing else ever gets their numbers.
        _ if kind == "file /dev/null" => true,
        // It writes a password into a pipe; what it reads is its leash.
        Role::Login => matches!(kind, "stream" | "channel" | "pipe, reading" | "pipe, writing"),
        Role::Session => match kind {
            "stream" | "channel" | "pipe, reading" | "own directory" => true,
            _ => transfers && kind.starts_with("file ") && is_transferred(target),
        },
        // The end of the password's pipe that is for the auth process, and the empty directory in which the processes
        // without files will stand.
        Role::Root if kind == "pipe, reading" => true,
        Role::Root if kind == "own directory" => target.starts_with("/run/cellftpd/"),
        Role::Root | Role::Shrunk => {
            matches!(
                kind,
                "stream" | "channel" | "pipe, writing" | "log" | "unix" | "pidfd" | "signalfd"
            )
        }
    }
}

/// The file that is transferred, or the hidden name beside it.
fn is_transferred(target: &str) -> bool {
    let name = target.rsplit('/').next().unwrap_or_default();
    matches!(name, "big" | "target") || name.starts_with(".cellftpd.")
}

#[test]
fn a_worker_has_no_access_to_the_log_or_the_configuration() {
    everywhere(|site, role, phase, process| {
        let open: Vec<_> = process.descriptors().into_iter().map(|one| one.target).collect();
        let ours = [site.beside("cellftpd.toml"), site.beside("log")];
        let held =
            ours.iter().filter(|path| open.iter().any(|one| Path::new(one) == **path)).count();
        let allowed = usize::from(matches!(role, Role::Root | Role::Shrunk));
        assert!(held <= allowed, "{role:?} while {phase:?} holds {open:?}");
    });
}

/// While PAM is at work: root, as PAM needs it, but with nothing of the session in its hands. The client, the log, the empty
/// directory and the login worker's leash are not there.
#[test]
fn the_auth_process_holds_its_channel_its_leash_and_nothing_else() {
    let hanging = Hanging::service();
    let session = hanging.session();
    let ours = session.processes();
    let auth: Vec<_> = ours.iter().filter(|one| one.title().contains("cellftpd-pam")).collect();
    assert!(!auth.is_empty(), "{:?}", ours.iter().map(Process::title).collect::<Vec<_>>());
    for process in auth {
        assert_eq!(process.root(), Path::new("/"));
        let status = process.status();
        assert_eq!(status["Uid"].split_whitespace().collect::<Vec<_>>(), ["0"; 4]);
        for descriptor in process.descriptors() {
            let kind = kind(&descriptor, *process, &hanging.site);
            let needed = ["file /dev/null", "channel", "pipe, reading", "pipe, writing", "pidfd"];
            assert!(needed.contains(&kind.as_str()), "{} holds {descriptor:?}", process.title());
        }
        let environment = fs::read(process.path("environ")).expect("root may read it");
        assert!(environment.is_empty(), "{}", String::from_utf8_lossy(&environment));
    }
    session.broker().signal(nix::sys::signal::Signal::SIGTERM);
    session.is_over_within(harness::PATIENCE);
}
