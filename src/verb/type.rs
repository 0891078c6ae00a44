//! TYPE: text or binary (RFC 959 §3.1.1). Session worker.

use ftp::reply::Reply;

use super::Argument;
use crate::worker::failure::Failure;
use crate::worker::session::{Session, Type};

/// See the table.
pub fn run(session: &mut Session, argument: Argument) -> Result<Reply, Failure> {
    session.representation = parse(argument.word())?;
    Ok(Reply::new(
        200,
        match session.representation {
            Type::Ascii => "Type is A.",
            Type::Image => "Type is I.",
        },
    ))
}

/// Old clients leave the space out, or say T for a form that is the same as N (RFC 1123 §4.1.2.2).
fn parse(word: &[u8]) -> Result<Type, Failure> {
    let letters: Vec<u8> =
        word.iter().filter(|&&byte| byte != b' ').map(u8::to_ascii_uppercase).collect();
    match letters.as_slice() {
        b"A" | b"AN" | b"AT" => Ok(Type::Ascii),
        b"I" | b"L8" => Ok(Type::Image),
        b"AC" | [b'E', ..] | [b'L', b'0'..=b'9', ..] => {
            Err(Failure::new(504, "Only A and I are served."))
        }
        _ => Err(Failure::new(501, "Not a type.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_clients_send() {
        for word in ["A", "a n", "AN", "A T"] {
            assert_eq!(parse(word.as_bytes()).unwrap(), Type::Ascii);
        }
        for word in ["i", "L 8", "L8"] {
            assert_eq!(parse(word.as_bytes()).unwrap(), Type::Image);
        }
        for (word, code) in [("E", 504), ("A C", 504), ("L 16", 504), ("X", 501), ("L", 501)] {
            let Err(Failure::Refused(refusal)) = parse(word.as_bytes()) else { panic!("{word}") };
            assert_eq!(refusal.reply.code(), code, "{word}");
        }
    }
}
