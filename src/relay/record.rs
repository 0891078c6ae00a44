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
