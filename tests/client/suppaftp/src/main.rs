//! suppaftp against the server under test; tests/client/README.md tells what it does.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use suppaftp::types::FileType;
use suppaftp::{FtpStream, Status};

type Any = Box<dyn std::error::Error>;

fn main() -> Result<(), Any> {
    let env = |name| std::env::var(name).expect("the test sets it");
    let (there, name) = (format!("/{}", env("DIR")), env("NAME"));
    let mut site = FtpStream::connect((env("HOST").as_str(), env("PORT").parse()?))?;
    if env("PASSIVE") != "yes" {
        site = site.active_mode(Duration::from_secs(20));
    } else if env("HOST").contains(':') {
        site.set_mode(suppaftp::Mode::ExtendedPassive);
    }
    site.login(env("FTP_USER"), env("FTP_PASSWORD"))?;
    site.transfer_type(FileType::Binary)?;

    fs::write("listing.txt", site.list(Some(&there))?.join("\n"))?;
    get(&mut site, "/pub/big.bin", "got.bin")?;
    get(&mut site, &format!("{there}/{name}"), "awkward.bin")?;
    get(&mut site, "/pub/big.bin", "resumed.bin")?;
    site.put_file(format!("{there}/up.bin"), &mut File::open("up.bin")?)?;
    site.put_file(format!("{there}/new-{name}"), &mut File::open("up.bin")?)?;
    let mut half = File::open("half.bin")?;
    half.seek(SeekFrom::Start(site.size(format!("{there}/half.bin"))? as u64))?;
    site.append_file(&format!("{there}/half.bin"), &mut half)?;
    site.rename(format!("{there}/old-name"), format!("{there}/new-name"))?;
    site.rm(format!("{there}/unwanted"))?;
    site.mkdir(format!("{there}/made"))?;
    site.custom_command(format!("MFMT 20010203040506 {there}/dated"), &[Status::File])?;
    let mut data = site.retr_as_stream(env("ENDLESS"))?;
    data.read_exact(&mut [0; 1000])?;
    site.abort(data)?;
    get(&mut site, "/pub/hello.txt", "after.txt")?;
    site.quit()?;
    Ok(())
}

/// Downloads a file, or the rest of it.
fn get(site: &mut FtpStream, path: &str, local: &str) -> Result<(), Any> {
    let mut file = File::options().append(true).create(true).open(local)?;
    let there = file.metadata()?.len();
    if there > 0 {
        site.resume_transfer(usize::try_from(there)?)?;
    }
    let mut data = site.retr_as_stream(path)?;
    std::io::copy(&mut data, &mut file)?;
    file.flush()?;
    data.finish()?;
    Ok(())
}
