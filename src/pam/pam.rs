//! One PAM transaction, made safe: the handle is ended exactly once, and every failure says which step it was. Runs in
//! the process of the attempt; libpam and its modules are trusted as root's own code.

use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::TTY;
use crate::converse::Conversation;
use crate::ffi;
use crate::refusal::Refusal;

/// A transaction between `pam_start` and `pam_end`. The latter wipes PAM's own copy of the password.
pub struct Login<'a> {
    handle: NonNull<ffi::Handle>,
    conversation: &'a Conversation,
    status: c_int,
    single_thread: PhantomData<*mut ()>,
}

impl<'a> Login<'a> {
    /// Starts the service's transaction for the conversation's user, who comes from this address.
    pub fn start(
        service: &CStr,
        from: &CStr,
        conversation: &'a Conversation,
    ) -> Result<Self, Refusal> {
        let conv = conversation.as_conv();
        let user = conversation.user().as_ptr();
        let mut handle = ptr::null_mut();
        // SAFETY: strings and struct live through the call, PAM copies them; what `conv.data` points to lives for 'a.
        let status = unsafe { ffi::pam_start(service.as_ptr(), user, &conv, &mut handle) };
        let (ffi::SUCCESS, Some(handle)) = (status, NonNull::new(handle)) else {
            return Err(Refusal::new(format!("pam_start failed with {status}")));
        };
        let mut login = Login { handle, conversation, status, single_thread: PhantomData };
        login.set(ffi::ITEM_RHOST, from.as_ptr().cast())?;
        login.set(ffi::ITEM_TTY, TTY.as_ptr().cast())?;
        // The broker delays failures itself, without a process asleep.
        let no_delay: ffi::FailDelay = no_delay;
        login.set(ffi::ITEM_FAIL_DELAY, no_delay as *const c_void)?;
        Ok(login)
    }

    /// Is this the user's password? Not PAM_SILENT: what a module would tell the user is the cause for the log.
    pub fn authenticate(&mut self) -> Result<(), Refusal> {
        let flags = ffi::DISALLOW_NULL_AUTHTOK;
        // SAFETY: the handle is live and used by this thread alone.
        let status = unsafe { ffi::pam_authenticate(self.handle.as_ptr(), flags) };
        self.passed("pam_authenticate", status)
    }

    /// May this user log in, here and now? An expired password is a no: FTP has no way to change it.
    pub fn check_account(&mut self) -> Result<(), Refusal> {
        let flags = ffi::DISALLOW_NULL_AUTHTOK;
        // SAFETY: the handle is live and used by this thread alone.
        let status = unsafe { ffi::pam_acct_mgmt(self.handle.as_ptr(), flags) };
        self.passed("pam_acct_mgmt", status)
    }

    /// Lets the modules make what credentials they have to.
    pub fn establish(&mut self) -> Result<(), Refusal> {
        let flags = ffi::SILENT | ffi::ESTABLISH_CRED;
        // SAFETY: the handle is live and used by this thread alone.
        let status = unsafe { ffi::pam_setcred(self.handle.as_ptr(), flags) };
        self.passed("pam_setcred", status)
    }

    /// The user's name as PAM has it now: modules may map it to another.
    pub fn user(&mut self) -> Result<CString, Refusal> {
        let mut item = ptr::null();
        // SAFETY: the handle is live, and `item` is a pointer of ours to be filled in.
        let status = unsafe { ffi::pam_get_item(self.handle.as_ptr(), ffi::ITEM_USER, &mut item) };
        self.passed("pam_get_item", status)?;
        if item.is_null() {
            return Err(Refusal::new("PAM ended without a user name"));
        }
        // SAFETY: PAM_USER is a NUL-terminated string of the handle's, copied before the handle is used again.
        Ok(unsafe { CStr::from_ptr(item.cast()) }.to_owned())
    }

    fn set(&mut self, item: c_int, value: *const c_void) -> Result<(), Refusal> {
        // SAFETY: the handle is live; PAM copies strings, and the one function it is given is static.
        let status = unsafe { ffi::pam_set_item(self.handle.as_ptr(), item, value) };
        self.passed("pam_set_item", status)
    }

    fn passed(&mut self, step: &str, status: c_int) -> Result<(), Refusal> {
        self.status = status;
        if status == ffi::SUCCESS {
            return Ok(());
        }
        let said = self.conversation.said();
        Err(Refusal::new(format!("{step}: {}", self.explain(status))).with_said(&said))
    }

    fn explain(&self, status: c_int) -> String {
        // SAFETY: the handle is live; Linux-PAM gives a static string for any number.
        let text = unsafe { ffi::pam_strerror(self.handle.as_ptr(), status) };
        if text.is_null() {
            return status.to_string();
        }
        // SAFETY: not null, static and NUL-terminated.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        // SAFETY: started and not ended yet: only this drop ends it.
        unsafe { ffi::pam_end(self.handle.as_ptr(), self.status) };
    }
}

extern "C" fn no_delay(_: c_int, _: c_uint, _: *mut c_void) {}
