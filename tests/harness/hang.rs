//! PAM modules that start something, and that hang: the time in which the auth process lives, as long as a test needs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::Signal;

use super::patience::eventually;
use super::process::Process;
use super::session::Session;
use super::site::Site;

/// A PAM service whose module starts a process that means to stay.
#[derive(Debug)]
pub struct Service(PathBuf);

impl Service {
    /// Makes it.
    pub fn that_runs(name: &str, script: &Path) -> Service {
        let path = PathBuf::from("/etc/pam.d").join(name);
        let text = format!(
            "auth optional pam_exec.so quiet /bin/sh {}\n@include cellftpd\n",
            script.display()
        );
        fs::write(&path, text).expect("root may write /etc/pam.d");
        Service(path)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Processes of this command line, wherever they hang; killed when dropped.
#[derive(Debug)]
pub struct Strays(pub String);

impl Strays {
    /// Their ids are not to be had from themselves: in a namespace of their own they have others.
    pub fn found(&self) -> Vec<Process> {
        let everybody = fs::read_dir("/proc").expect("/proc is mounted").flatten();
        let pids = everybody.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Process::find).filter(|one| one.title() == self.0).collect()
    }
}

impl Drop for Strays {
    fn drop(&mut self) {
        self.found().iter().for_each(|one| one.signal(Signal::SIGKILL));
    }
}

/// A site whose PAM stack hangs.
#[derive(Debug)]
pub struct Hanging {
    pub site: Site,
    /// What hangs.
    pub strays: Strays,
    _service: Service,
}

impl Hanging {
    /// Makes the stack, and a user who has to pass it.
    pub fn service() -> Hanging {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = std::process::id();
        let name = format!("cellftpd-test-hang-{id}-{count}");
        let site = Site::local().set("local.pam_service", &format!("{name:?}"));
        let strays = Strays(format!("sleep 60{count}.{id}"));
        let script = site.beside("hang.sh");
        fs::write(&script, format!("#!/bin/sh\nexec {}\n", strays.0)).expect("our own directory");
        let service = Service::that_runs(&name, &script);
        Hanging { site, strays, _service: service }
    }

    /// A session whose attempt hangs.
    pub fn session(&self) -> Session {
        let mut session = self.site.connect();
        session.hears("220");
        let (user, password) = self.site.login();
        session.asks(&format!("USER {user}"), "331");
        session.says(&format!("PASS {password}"));
        eventually("the PAM module", || (!self.strays.found().is_empty()).then_some(()));
        session
    }
}
