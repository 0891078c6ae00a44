//! Where a TLS record ends (RFC 8446 §5.1). Relay; every byte is a stranger's.

/// How many bytes to give to TLS at once: a whole record, or bytes that are no record and that TLS itself should
/// refuse, unless plain bytes are `expected`. `None` if more have to come, or nothing is to be given.
pub fn length(bytes: &[u8], expected: bool) -> Option<usize> {
    if is_foreign(bytes) {
        return (!expected).then_some(bytes.len());
    }
    let body = match bytes {
        [_, _, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
        _ => return None,
    };
    match HEADER + body {
        // Too long: TLS says so.
        _ if body > BODY_MOST => Some(bytes.len()),
        length if length <= bytes.len() => Some(length),
        _ => None,
    }
}

/// How far a stream of records has come.
#[derive(Debug, Default)]
pub struct Progress {
    header: [u8; HEADER],
    /// Of the header of the record that has begun.
    known: usize,
    /// Of its body, as far as the header is known.
    missing: usize,
}

impl Progress {
    /// So much has come.
    pub fn note(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.missing > 0 {
                let taken = self.missing.min(bytes.len());
                self.missing -= taken;
                bytes = bytes.get(taken..).unwrap_or_default();
                continue;
            }
            if let Some(place) = self.header.get_mut(self.known) {
                *place = *first;
            }
            self.known += 1;
            bytes = rest;
            if self.known == HEADER {
                let [.., high, low] = self.header;
                self.missing = u16::from_be_bytes([high, low]).into();
                self.known = 0;
            }
        }
    }

    /// Whether a record has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.known > 0 || self.missing > 0
    }
}

/// Whether these bytes begin nothing that TLS knows: FTP commands begin above its types.
pub fn is_foreign(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|kind| !TYPES.contains(kind))
}

/// From change_cipher_spec to heartbeat.
const TYPES: std::ops::RangeInclusive<u8> = 20..=24;
const HEADER: usize = 5;
/// Of TLS 1.2 (RFC 5246 §6.2.3), which allows a little more than its successor.
const BODY_MOST: usize = (1 << 14) + 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_where_their_headers_say() {
        let records = [&[22, 3, 1, 0, 2, 7, 7][..], &[23, 3, 3, 0, 0], &[21, 3, 3, 0, 1, 9]];
        let stream = records.concat();
        let ends = [0, 7, 12, 18];
        for piece in 1..=stream.len() {
            let mut progress = Progress::default();
            let mut length = 0;
            for bytes in stream.chunks(piece) {
                progress.note(bytes);
                length += bytes.len();
                assert_eq!(progress.is_inside(), !ends.contains(&length), "{piece}, {length}");
            }
        }
    }

    #[test]
    fn records_are_told_apart() {
        let long = [23, 3, 3, 0xff, 0xff];
        for (bytes, expected, given) in [
            (&b""[..], false, None),
            (&[22, 3, 1], false, None),
            (&[22, 3, 1, 0, 2, 7], false, None),
            (&[22, 3, 1, 0, 2, 7, 7], false, Some(7)),
            (&[21, 3, 3, 0, 1, 0, b'N', b'O'], true, Some(6)),
            (&[21, 3, 3, 0, 0], false, Some(5)),
            (&long, false, Some(5)),
            (b"USER x\r\n", false, Some(8)),
            (b"USER x\r\n", true, None),
            (b"\r\n", true, None),
            (b"\xff\xf4", true, None),
        ] {
            assert_eq!(length(bytes, expected), given, "{bytes:?}");
        }
    }
}
