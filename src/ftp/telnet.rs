//! The little of Telnet (RFC 854) that a control stream carries. Workers, always; trusts no one.
//!
//! One byte in, one [`Step`] out. The only state is which bytes of a Telnet command have been seen,
//! so that a command may be split anywhere between two reads.

/// Interpret As Command.
pub(crate) const IAC: u8 = 255;
/// As many negotiations are answered; a peer that goes on is a storm, not a terminal.
pub(crate) const REFUSALS_MAX: u32 = 64;
/// The longest subnegotiation that is skipped in silence.
pub(crate) const SUBNEGOTIATION_MAX: usize = 4096;

/// What one byte of the stream amounts to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Part of a Telnet command.
    Nothing,
    /// A byte of the line.
    Data(u8),
    /// 0xFF that nobody doubled, and the byte behind it: two bytes of the line.
    Undoubled(u8),
    /// Send this back.
    Refuse([u8; 3]),
    /// A subnegotiation without end.
    Endless,
}

/// The state of the decoder.
#[derive(Debug, Default)]
pub(crate) struct Telnet {
    state: State,
    refusals: u32,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Data,
    /// Behind IAC.
    Command,
    /// Behind IAC WILL, WONT, DO or DONT.
    Negotiation(u8),
    /// Behind IAC SB, with as many bytes skipped.
    Skipping(usize),
    /// Behind an IAC within a subnegotiation.
    SkippingCommand(usize),
}

impl Telnet {
    /// Decodes the next byte.
    pub(crate) fn step(&mut self, byte: u8) -> Step {
        match self.state {
            State::Data if byte == IAC => self.enter(State::Command),
            State::Data => Step::Data(byte),
            State::Command => self.command(byte),
            State::Negotiation(verb) => self.refuse(verb, byte),
            State::Skipping(SUBNEGOTIATION_MAX..) => {
                self.state = State::Data;
                Step::Endless
            }
            State::Skipping(n) if byte == IAC => self.enter(State::SkippingCommand(n + 1)),
            State::Skipping(n) => self.enter(State::Skipping(n + 1)),
            State::SkippingCommand(_) if byte == SE => self.enter(State::Data),
            State::SkippingCommand(n) => self.enter(State::Skipping(n + 1)),
        }
    }

    /// The bytes of an unfinished command, for whoever decodes on from here.
    pub(crate) fn unfinished(&self) -> Vec<u8> {
        match self.state {
            State::Data => vec![],
            State::Command => vec![IAC],
            State::Negotiation(verb) => vec![IAC, verb],
            State::Skipping(_) => vec![IAC, SB],
            State::SkippingCommand(_) => vec![IAC, SB, IAC],
        }
    }

    fn enter(&mut self, state: State) -> Step {
        self.state = state;
        Step::Nothing
    }

    fn command(&mut self, byte: u8) -> Step {
        self.state = State::Data;
        match byte {
            IAC => Step::Data(IAC),
            WILL..=DONT => self.enter(State::Negotiation(byte)),
            SB => self.enter(State::Skipping(0)),
            FIRST_COMMAND.. => Step::Nothing,
            // Clients that know nothing of Telnet send the letter ÿ of ISO 8859-1 once. What
            // follows may be the end of the line, which must not be lost.
            _ => Step::Undoubled(byte),
        }
    }

    /// RFC 1123 §4.1.2.12: every option is refused, none is ever offered.
    fn refuse(&mut self, verb: u8, option: u8) -> Step {
        self.state = State::Data;
        if self.refusals == REFUSALS_MAX {
            return Step::Nothing;
        }
        self.refusals += 1;
        let answer = if matches!(verb, WILL | WONT) { DONT } else { WONT };
        Step::Refuse([IAC, answer, option])
    }
}

// Below it are no commands; 236–239 came later (RFC 885, RFC 1184).
const FIRST_COMMAND: u8 = 236;
const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DONT: u8 = 254;

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(bytes: &[u8]) -> Vec<Step> {
        let mut telnet = Telnet::default();
        let steps = bytes.iter().map(|&byte| telnet.step(byte));
        steps.filter(|step| *step != Step::Nothing).collect()
    }

    #[test]
    fn every_negotiation_is_refused_with_the_fitting_verb() {
        // (received verb, answered verb), RFC 1123 §4.1.2.12
        for (verb, answer) in [(251, 254), (252, 254), (253, 252), (254, 252)] {
            assert_eq!(steps(&[IAC, verb, 1]), [Step::Refuse([IAC, answer, 1])], "{verb}");
        }
    }

    #[test]
    fn two_byte_commands_vanish() {
        for command in (236..=249).filter(|&c| c != SB) {
            assert_eq!(steps(&[IAC, command, b'A']), [Step::Data(b'A')], "{command}");
        }
    }

    #[test]
    fn a_subnegotiation_vanishes_with_a_doubled_iac_inside() {
        assert_eq!(steps(b"\xFF\xFA\x18\0\xFF\xFF\xF0\n\xFF\xF0A"), [Step::Data(b'A')]);
    }

    #[test]
    fn a_subnegotiation_without_end_is_reported() {
        let mut bytes = vec![IAC, SB];
        bytes.resize(2 + SUBNEGOTIATION_MAX, b'x');
        assert_eq!(steps(&bytes), []);
        bytes.push(b'x');
        assert_eq!(steps(&bytes), [Step::Endless]);
        // Commands within it count too: two bytes each.
        let mut bytes = vec![IAC, SB];
        bytes.extend([IAC, 241].repeat(SUBNEGOTIATION_MAX / 2));
        assert_eq!(steps(&bytes), []);
        bytes.push(b'x');
        assert_eq!(steps(&bytes), [Step::Endless]);
    }

    #[test]
    fn a_storm_of_negotiations_is_answered_a_bounded_number_of_times() {
        let storm = [IAC, WILL, 1].repeat(10_000);
        assert_eq!(steps(&storm).len(), REFUSALS_MAX as usize);
    }
}
