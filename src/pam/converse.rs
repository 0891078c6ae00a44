//! What PAM's modules are answered when they ask. Runs in the process of the attempt, called back from libpam; the
//! modules are root's choice, but their messages are bounded and never taken for text.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use crate::ffi::{self, Message, Response};
use crate::password::Password;

/// The user's side of the conversation. It can't be asked anything: there is a name, a password, and no third thing.
pub struct Conversation {
    user: CString,
    password: Password,
    said: RefCell<Vec<u8>>,
}

impl Conversation {
    /// Ready to answer for this user.
    pub fn new(user: CString, password: Password) -> Self {
        let said = RefCell::new(Vec::new());
        Conversation { user, password, said }
    }

    /// The name that the client gave.
    pub fn user(&self) -> &CStr {
        &self.user
    }

    /// What the modules told the user so far, for the log.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.borrow()).into_owned()
    }

    /// The struct that `pam_start` wants. PAM may call back as long as the conversation lives.
    pub fn as_conv(&self) -> ffi::Conv {
        ffi::Conv { converse, data: ptr::from_ref(self).cast_mut().cast() }
    }

    /// The answer to one message, if it wants one.
    fn answer(&self, style: c_int, text: &CStr) -> Result<Option<&CStr>, Unanswerable> {
        match style {
            ffi::PROMPT_ECHO_OFF => Ok(Some(self.password.as_c_str())),
            ffi::PROMPT_ECHO_ON => Ok(Some(&self.user)),
            ffi::ERROR_MSG | ffi::TEXT_INFO => {
                self.note(text.to_bytes());
                Ok(None)
            }
            _ => Err(Unanswerable),
        }
    }

    /// Remembers a message, unless a module repeats the password in it.
    fn note(&self, text: &[u8]) {
        let password = self.password.as_c_str().to_bytes();
        let repeated =
            !password.is_empty() && text.windows(password.len()).any(|part| part == password);
        if let (false, Ok(mut said)) = (repeated, self.said.try_borrow_mut()) {
            let between: &[u8] = if said.is_empty() { b"" } else { b"; " };
            let room = SAID_MAX.saturating_sub(said.len());
            said.extend(between.iter().chain(text).take(room));
        }
    }
}

/// A style of message that FTP has no answer to.
struct Unanswerable;

/// Called by libpam. It can't unwind into C: a panic in an `extern "C"` function aborts.
extern "C" fn converse(
    count: c_int,
    messages: *const *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    let count = usize::try_from(count).unwrap_or_default();
    if count == 0 || count > ffi::MESSAGES_MAX || messages.is_null() || responses.is_null() {
        return ffi::CONV_ERR;
    }
    // SAFETY: `data` is the Conversation of `as_conv`, which outlives the handle and is only ever shared.
    let Some(conversation) = (unsafe { data.cast::<Conversation>().as_ref() }) else {
        return ffi::CONV_ERR;
    };
    let Some(mut answers) = Responses::new(count) else {
        return ffi::BUF_ERR;
    };
    // SAFETY: pam_conv(3): an array of `count` pointers, valid for this call (Linux-PAM's layout, not Solaris').
    for &message in unsafe { std::slice::from_raw_parts(messages, count) } {
        // SAFETY: each points to a message that is valid for this call, or is null, which as_ref tells.
        let Some(message) = (unsafe { message.as_ref() }) else {
            return ffi::CONV_ERR;
        };
        match conversation.answer(message.style, text_of(message)) {
            Ok(answer) if answers.push(answer) => {}
            Ok(_) => return ffi::BUF_ERR,
            Err(Unanswerable) => return ffi::CONV_ERR,
        }
    }
    // SAFETY: pam_conv(3): a pointer of the caller's to be filled in, checked not to be null.
    unsafe { responses.write(answers.give()) };
    ffi::SUCCESS
}

fn text_of(message: &Message) -> &CStr {
    if message.text.is_null() {
        return c"";
    }
    // SAFETY: a message's text is a NUL-terminated string that lives as long as the message.
    unsafe { CStr::from_ptr(message.text) }
}

/// The array of answers, in C's memory. Wiped and freed unless it is given to PAM, which then does that.
struct Responses {
    first: NonNull<Response>,
    capacity: usize,
    length: usize,
}

impl Responses {
    fn new(capacity: usize) -> Option<Self> {
        // SAFETY: calloc takes any two numbers and gives zeroed memory or null; a zeroed Response is a valid one.
        let first = unsafe { libc::calloc(capacity, size_of::<Response>()) };
        Some(Responses { first: NonNull::new(first.cast())?, capacity, length: 0 })
    }

    /// Copies an answer to the next place, or leaves that empty. False when there is no memory or no place.
    fn push(&mut self, answer: Option<&CStr>) -> bool {
        // SAFETY: strdup reads a NUL-terminated string, which a CStr is.
        let text = answer.map(|answer| unsafe { libc::strdup(answer.as_ptr()) });
        let index = self.length;
        let (Some(place), false) = (self.places().get_mut(index), text == Some(ptr::null_mut()))
        else {
            text.into_iter().for_each(wipe_and_free);
            return false;
        };
        place.text = text.unwrap_or(ptr::null_mut());
        self.length += 1;
        true
    }

    fn places(&mut self) -> &mut [Response] {
        // SAFETY: calloc made exactly `capacity` zeroed Responses there, and only this owner reaches them.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.capacity) }
    }

    /// Gives the array away to PAM.
    fn give(self) -> *mut Response {
        std::mem::ManuallyDrop::new(self).first.as_ptr()
    }
}

impl Drop for Responses {
    fn drop(&mut self) {
        for place in self.places() {
            wipe_and_free(place.text);
        }
        // SAFETY: the array came from calloc and was not given away.
        unsafe { libc::free(self.first.as_ptr().cast()) };
    }
}

fn wipe_and_free(text: *mut c_char) {
    if text.is_null() {
        return;
    }
    // SAFETY: the text came from strdup, so it is NUL-terminated.
    let length = unsafe { libc::strlen(text) };
    // SAFETY: those `length` bytes are ours, and explicit_bzero is not optimised away.
    unsafe { libc::explicit_bzero(text.cast(), length) };
    // SAFETY: the text came from strdup and nothing points to it any more.
    unsafe { libc::free(text.cast()) };
}

/// More than a cause can show, and little enough to collect.
const SAID_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use nix::unistd::{pipe, write};

    use super::*;

    fn conversation(password: &[u8]) -> Conversation {
        let (reading, writing) = pipe().unwrap();
        write(&writing, password).unwrap();
        drop(writing);
        let password = Password::read(reading).ok().unwrap();
        Conversation::new(c"alice".to_owned(), password)
    }

    /// Calls back as PAM does.
    fn ask(
        conversation: &Conversation,
        asked: &[(c_int, &CStr)],
    ) -> Result<Vec<Option<CString>>, c_int> {
        let messages: Vec<Message> =
            asked.iter().map(|&(style, text)| Message { style, text: text.as_ptr() }).collect();
        let pointers: Vec<*const Message> = messages.iter().map(ptr::from_ref).collect();
        let mut responses = ptr::null_mut();
        let conv = conversation.as_conv();
        let count = c_int::try_from(asked.len()).unwrap();
        match (conv.converse)(count, pointers.as_ptr(), &mut responses, conv.data) {
            ffi::SUCCESS => {}
            status => return Err(status),
        }
        let mut answers = Responses {
            first: NonNull::new(responses).unwrap(),
            capacity: asked.len(),
            length: asked.len(),
        };
        let text = |place: &mut Response| {
            // SAFETY: an answer is null or a string that `answers` frees later.
            (!place.text.is_null()).then(|| unsafe { CStr::from_ptr(place.text) }.to_owned())
        };
        Ok(answers.places().iter_mut().map(text).collect())
    }

    #[test]
    fn prompts_are_answered_in_order_and_messages_kept() {
        let alice = conversation(b"secret");
        let answers = ask(
            &alice,
            &[
                (ffi::TEXT_INFO, c"expires\x07 soon"),
                (ffi::PROMPT_ECHO_OFF, c"Password: "),
                (ffi::PROMPT_ECHO_ON, c"login: "),
                (ffi::ERROR_MSG, c"account locked"),
            ],
        );
        let expected = vec![None, Some(c"secret".to_owned()), Some(c"alice".to_owned()), None];
        assert_eq!(answers, Ok(expected));
        assert_eq!(alice.said(), "expires\x07 soon; account locked");
    }

    #[test]
    fn what_has_no_answer_is_an_error() {
        let alice = conversation(b"secret");
        // PAM_RADIO_TYPE and PAM_BINARY_PROMPT, after an answer that has to be wiped.
        for style in [5, 7, 0, -1] {
            let asked = [(ffi::PROMPT_ECHO_OFF, c""), (style, c"?")];
            assert_eq!(ask(&alice, &asked), Err(ffi::CONV_ERR));
        }
        assert_eq!(ask(&alice, &[]), Err(ffi::CONV_ERR));
        let many = [(ffi::TEXT_INFO, c"x"); ffi::MESSAGES_MAX + 1];
        assert_eq!(ask(&alice, &many), Err(ffi::CONV_ERR));
    }

    #[test]
    fn the_password_is_never_kept_from_a_message() {
        let alice = conversation(b"secret");
        ask(&alice, &[(ffi::TEXT_INFO, c"bad password 'secret'"), (ffi::TEXT_INFO, c"ok")])
            .unwrap();
        assert_eq!(alice.said(), "ok");
    }

    #[test]
    fn messages_are_bounded() {
        let alice = conversation(b"");
        let long = CString::new(vec![b'x'; 10_000]).unwrap();
        for _ in 0..50 {
            ask(&alice, &[(ffi::ERROR_MSG, &long)]).unwrap();
        }
        assert!(alice.said().len() <= SAID_MAX);
    }
}
