//! What passes a data connection in MODE Z, from the client's side.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Bytes as one zlib stream.
pub fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// What one zlib stream, whole and alone, is of.
pub fn inflated(stream: &[u8]) -> Result<Vec<u8>, String> {
    let (mut decoder, mut plain) = (ZlibDecoder::new(stream), Vec::new());
    decoder.read_to_end(&mut plain).map_err(|error| format!("no zlib stream: {error}"))?;
    match stream.len() as u64 - decoder.total_in() {
        0 => Ok(plain),
        more => Err(format!("{more} bytes behind the end of the zlib stream")),
    }
}
