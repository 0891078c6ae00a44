//! MODE Z, outwards: what another source makes, as one zlib stream (draft-preston-ftpext-deflate). Session worker, in
//! transfers.

use flate2::{Compress, Compression, FlushCompress, Status};

use super::outgoing::Source;
use crate::worker::failure::Failure;

/// A source whose bytes are compressed.
pub struct Deflate<S> {
    source: S,
    stream: Compress,
    plain: Vec<u8>,
    /// Whether it has taken something, of which nothing has come out yet.
    busy: bool,
    ended: bool,
}

impl<S: Source> Deflate<S> {
    /// Compresses what `source` makes, by this level.
    pub fn new(source: S, level: Compression) -> Self {
        let stream = Compress::new(level, true);
        Deflate { source, stream, plain: vec![], busy: false, ended: false }
    }

    /// Appends what has become of the plain bytes, and with `Finish` the end of the stream.
    fn deflate(&mut self, flush: FlushCompress, out: &mut Vec<u8>) -> Result<(), Failure> {
        let mut taken = 0;
        loop {
            out.reserve(ROOM);
            let (before, room) = (self.stream.total_in(), out.capacity() - out.len());
            let made = out.len();
            let ahead = self.plain.get(taken..).unwrap_or_default();
            let status = self.stream.compress_vec(ahead, out, flush).map_err(|_| broken())?;
            taken += usize::try_from(self.stream.total_in() - before).unwrap_or(usize::MAX);
            self.ended |= status == Status::StreamEnd;
            // Room that is left over means that it holds nothing back, but for what it still gathers.
            let is_through = taken >= self.plain.len() && out.len() - made < room;
            if self.ended || is_through {
                return Ok(());
            }
        }
    }
}

impl<S: Source> Source for Deflate<S> {
    fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.busy = false;
        if self.ended {
            return Ok(());
        }
        self.plain.clear();
        self.source.produce(&mut self.plain)?;
        let flush = match self.plain.is_empty() && !self.source.is_busy() {
            true => FlushCompress::Finish,
            false => FlushCompress::None,
        };
        self.deflate(flush, out)?;
        // One piece is taken at a time, whether something comes out or not: so that the client is listened to.
        self.busy = out.is_empty() && !self.ended;
        Ok(())
    }

    fn is_busy(&self) -> bool {
        self.busy
    }
}

fn broken() -> Failure {
    Failure::new(451, "It can't be compressed.").because("the compressor failed")
}

/// Room for what comes out at once.
const ROOM: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// So many pieces of a megabyte, and a pause after each.
    struct Pieces(usize, bool);

    impl Source for Pieces {
        fn produce(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
            self.1 = !self.1;
            if self.1 && self.0 > 0 {
                self.0 -= 1;
                out.resize(1 << 20, b'x');
            }
            Ok(())
        }

        fn is_busy(&self) -> bool {
            !self.1 && self.0 > 0
        }
    }

    fn all(mut source: impl Source) -> (Vec<u8>, usize) {
        let (mut sent, mut steps) = (vec![], 0);
        loop {
            let mut out = vec![];
            source.produce(&mut out).ok().unwrap();
            steps += 1;
            if out.is_empty() && !source.is_busy() {
                return (sent, steps);
            }
            sent.append(&mut out);
        }
    }

    fn inflated(bytes: &[u8]) -> Vec<u8> {
        let mut plain = vec![];
        let mut decoder = flate2::bufread::ZlibDecoder::new(bytes);
        decoder.read_to_end(&mut plain).unwrap();
        assert_eq!(decoder.total_in(), bytes.len() as u64);
        plain
    }

    #[test]
    fn a_source_comes_out_as_one_stream_whatever_the_level() {
        for level in 0..=9 {
            let (sent, _) = all(Deflate::new(Pieces(3, false), Compression::new(level)));
            assert!(inflated(&sent) == vec![b'x'; 3 << 20], "{level}");
        }
    }

    #[test]
    fn nothing_is_a_stream_too() {
        let (sent, _) = all(Deflate::new(Pieces(0, false), Compression::fast()));
        assert_eq!(inflated(&sent), b"");
        assert!(!sent.is_empty());
    }

    #[test]
    fn each_piece_is_a_step() {
        let (sent, steps) = all(Deflate::new(Pieces(8, false), Compression::best()));
        assert!(sent.len() < 16 * 1024 && steps >= 8, "{steps}");
    }
}
