//! suppaftp against the server under test; tests/client/README.md tells what it does.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use suppaftp::types::FileType;
use suppaftp::{
    FtpStream, ImplFtpStream, NativeTlsConnector, NativeTlsFtpStream, RustlsConnector,
    RustlsFtpStream, Status, TlsStream,
};

mod tls;

type Any = Box<dyn std::error::Error>;

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Any> {
    let server = (env("HOST"), env("PORT").parse()?);
    let host = env("HOST");
    match (env("TLS").as_str(), std::env::args().nth(1).as_deref()) {
        ("", _) => story(FtpStream::connect(server)?),
        (version, Some("native")) => {
            let connector = NativeTlsConnector::from(tls::native(version)?);
            story(NativeTlsFtpStream::connect(server)?.into_secure(connector, &host)?)
        }
        (version, _) => {
            let connector = RustlsConnector::from(tls::rustls(version)?);
            story(RustlsFtpStream::connect(server)?.into_secure(connector, &host)?)
        }
    }
}

fn env(name: &str) -> String {
    std::env::var(name).expect("the test sets it")
}

fn story<T: TlsStream>(mut site: ImplFtpStream<T>) -> Result<(), Any> {
    let (there, name) = (format!("/{}", env("DIR")), env("NAME"));
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
    for number in 0..10 {
        get(&mut site, &format!("{there}/ten.txt"), &format!("ten.{number}"))?;
    }
    site.quit()?;
    Ok(())
}

/// Downloads a file, or the rest of it.
fn get<T: TlsStream>(site: &mut ImplFtpStream<T>, path: &str, local: &str) -> Result<(), Any> {
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
