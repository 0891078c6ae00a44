//! Why an attempt was refused, for the log alone. Runs in the process of the attempt; what PAM's modules said is not
//! trusted to be text.

use cellftpd::wire::Bounded;
use cellftpd::wire::auth::Verdict;

/// A cause. Never holds the password.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// From a text of ours.
    pub fn new(cause: impl Into<String>) -> Self {
        Refusal(cause.into())
    }

    /// With what the modules said, if they said anything.
    pub fn with_said(self, said: &str) -> Self {
        match said.trim() {
            "" => self,
            said => Refusal(format!("{} (said: {said})", self.0)),
        }
    }

    /// One line of printable text that fits the verdict, cut between characters.
    fn line(&self) -> String {
        let mut line = String::with_capacity(CAUSE_MAX);
        for character in self.0.chars() {
            let shown = if character.is_control() { ' ' } else { character };
            if line.len() + shown.len_utf8() > CAUSE_MAX {
                break;
            }
            line.push(shown);
        }
        line
    }
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Verdict::Refused(Bounded::cut(refusal.line().as_bytes()))
    }
}

/// The bound of [`Verdict::Refused`].
const CAUSE_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_one_bounded_line() {
        let refusal = Refusal::new("step:\r\nfailed").with_said("\x1b[2J\u{85}soon");
        assert_eq!(refusal.line(), "step:  failed (said:  [2J soon)");
        let long = Refusal::new("é".repeat(300)).line();
        assert_eq!(long, "é".repeat(128));
    }

    #[test]
    fn silence_adds_nothing() {
        assert_eq!(Refusal::new("no").with_said(" \n"), Refusal::new("no"));
    }
}
