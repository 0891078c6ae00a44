//! Small file systems on a part of a site, which only the thread that mounts them sees, and who is started by it.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::site::Site;

/// Mounts a tmpfs that belongs to the site's owner, with these options, in a mount namespace of this thread's own.
#[track_caller]
pub fn mount_tmpfs(site: &Site, at: &str, options: &str) {
    let nothing: Option<&str> = None;
    unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS).expect("root may");
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).expect("root may");
    let (uid, gid) = site.owner();
    let options = format!("uid={uid},gid={gid},mode=755,{options}");
    mount(Some("none"), &site.path(at), Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
        .expect("the kernel has this kind of tmpfs");
}
