//! Process titles, for `ps`. Launch finds the place; the broker writes, a child's title just before its fork.

use std::fs;

/// The memory of the arguments and the environment, which the kernel shows as the command line.
#[derive(Debug, Clone, Copy)]
pub struct Title {
    start: usize,
    length: usize,
}

impl Title {
    /// Finds the place. `None` where /proc does not tell.
    ///
    /// Call it after the environment was cleared and the arguments were copied: both are written over.
    pub fn find() -> Option<Title> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // proc_pid_stat(5): after the name in parentheses come fields 3 and on; 48 to 51 are arg_start, arg_end,
        // env_start, env_end.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut numbers = fields.split_whitespace().skip(45).map_while(|n| n.parse::<usize>().ok());
        let [start, end, env_start, env_end] = std::array::from_fn(|_| numbers.next().unwrap_or(0));
        let end = if env_start == end || env_start == end + 1 { env_end } else { end };
        (start != 0 && end > start).then(|| Title { start, length: end - start })
    }

    /// Writes a title over the old one, cut to the room there is.
    pub fn set(&self, text: &str) {
        let length = text.len().min(self.length - 1);
        let place = std::ptr::with_exposed_provenance_mut::<u8>(self.start);
        // SAFETY: start and length are the kernel's own account of this process's argument strings, which are ours
        // to write, live as long as the process, and are read by nobody any more (see `find`).
        unsafe { std::ptr::write_bytes(place, 0, self.length) };
        // SAFETY: as above, and `length` is less than the room.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), place, length) };
    }
}
