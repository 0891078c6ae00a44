//! MODE Z, inwards: a zlib stream becomes plain bytes, piece by piece (draft-preston-ftpext-deflate). Session worker;
//! the stream is not trusted to be whole, to be one, or to be worth its size.

use flate2::{Decompress, FlushDecompress, Status};

use crate::worker::failure::Failure;

/// A stream that is being inflated.
pub struct Inflate {
    stream: Decompress,
    /// What has come, and how much of that was taken.
    input: Vec<u8>,
    taken: usize,
    /// The last piece was full: more may come out though nothing is left to go in.
    full: bool,
    ended: bool,
}

impl Inflate {
    /// A stream of which nothing has come yet.
    pub fn new() -> Self {
        Inflate {
            stream: Decompress::new(true),
            input: vec![],
            taken: 0,
            full: false,
            ended: false,
        }
    }

    /// Takes what has come, when there is no more of what came before.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.clear();
        self.input.extend_from_slice(bytes);
        self.taken = 0;
    }

    /// Whether more can be made before more has to come.
    pub fn has_more(&self) -> bool {
        self.full || self.taken < self.input.len()
    }

    /// Makes some more, never more than `out` holds; how much that is.
    pub fn piece(&mut self, out: &mut [u8]) -> Result<usize, Failure> {
        let ahead = self.input.get(self.taken..).unwrap_or_default();
        if self.ended && !ahead.is_empty() {
            return Err(broken("data behind the end of the compressed stream"));
        }
        let (came, went) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress(ahead, out, FlushDecompress::None)
            .map_err(|_| broken("not a zlib stream, or a damaged one"))?;
        let taken = count(self.stream.total_in() - came);
        let made = count(self.stream.total_out() - went);
        if taken == 0 && made == 0 && !ahead.is_empty() {
            return Err(broken("not a zlib stream, or a damaged one"));
        }
        self.taken += taken;
        self.ended = status == Status::StreamEnd;
        self.full = made == out.len() && !self.ended;
        self.require_worth()?;
        Ok(made)
    }

    /// All has come: that was the end of the stream, or it is not whole.
    pub fn finish(&self) -> Result<(), Failure> {
        match self.ended {
            true => Ok(()),
            false => Err(Failure::new(426, "The compressed data is not whole.")
                .because("the compressed stream ended early")),
        }
    }

    fn require_worth(&self) -> Result<(), Failure> {
        let (input, output) = (self.stream.total_in(), self.stream.total_out());
        match output > ANY_RATIO && output > input.saturating_mul(RATIO_MOST) {
            true => Err(Failure::new(552, "It inflates to too much; send it in MODE S.")
                .because(format!("a bomb: {output} bytes out of {input}"))),
            false => Ok(()),
        }
    }
}

fn broken(cause: &str) -> Failure {
    Failure::new(451, "The compressed data is broken.").because(cause)
}

fn count(octets: u64) -> usize {
    octets.try_into().unwrap_or(usize::MAX)
}

/// What may come out of however little: less fills no disk and takes no time that a client could not have otherwise.
const ANY_RATIO: u64 = 64 * 1024 * 1024;
/// Beyond that, as many octets out of one as text or a database reaches at its best. Deflate itself ends at 1,032,
/// which is for zeros, and for attacks.
const RATIO_MOST: u64 = 200;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;
    use crate::worker::failure::Refusal;

    fn deflated(zeros: u64) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(vec![], Compression::best());
        (0..zeros >> 20).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
        encoder.finish().unwrap()
    }

    /// What comes out of it, given so many octets at once, and the largest piece of that.
    fn inflated(stream: &[u8], at_once: usize) -> Result<(u64, usize), Failure> {
        let (mut inflate, mut out) = (Inflate::new(), vec![1; 64 * 1024]);
        let (mut sum, mut largest) = (0, 0);
        for part in stream.chunks(at_once) {
            inflate.feed(part);
            while inflate.has_more() {
                let length = inflate.piece(&mut out)?;
                assert!(out[..length].iter().all(|&byte| byte == 0));
                (sum, largest) = (sum + length as u64, largest.max(length));
            }
        }
        inflate.finish().map(|()| (sum, largest))
    }

    #[test]
    fn a_small_stream_comes_out_in_pieces() {
        let stream = deflated(8 << 20);
        for at_once in [1, 7, stream.len()] {
            let (sum, largest) = inflated(&stream, at_once).ok().unwrap();
            assert_eq!(sum, 8 << 20, "{at_once}");
            assert!(largest <= 64 * 1024);
        }
    }

    #[test]
    fn what_inflates_well_is_no_bomb_until_it_is_large() {
        assert!(inflated(&deflated(ANY_RATIO), 4096).is_ok());
        let bomb = inflated(&deflated(ANY_RATIO + (1 << 20)), 4096);
        let Err(Failure::Refused(Refusal { reply, cause })) = bomb else { panic!("it is served") };
        assert_eq!(reply.code(), 552);
        assert!(cause.unwrap().starts_with("a bomb: "));
    }
}
