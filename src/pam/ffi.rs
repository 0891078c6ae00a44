//! libpam's C interface: the part that is used, as `security/pam_appl.h` and `_pam_types.h` of Linux-PAM have it.
//! Declarations only. The library is linked under its run-time name, so that no development package is needed.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// `pam_handle_t`, opaque.
#[repr(C)]
pub struct Handle {
    opaque: [u8; 0],
}

/// `struct pam_message`.
#[repr(C)]
pub struct Message {
    pub style: c_int,
    pub text: *const c_char,
}

/// `struct pam_response`. PAM frees both the text and the array.
#[repr(C)]
pub struct Response {
    pub text: *mut c_char,
    pub code: c_int,
}

/// The conversation's callback.
pub type Converse = extern "C" fn(
    count: c_int,
    messages: *const *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int;

/// `struct pam_conv`; `pam_start` copies it.
#[repr(C)]
pub struct Conv {
    pub converse: Converse,
    pub data: *mut c_void,
}

/// What PAM_FAIL_DELAY holds.
pub type FailDelay = extern "C" fn(status: c_int, microseconds: c_uint, data: *mut c_void);

#[link(name = "libpam.so.0", kind = "dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    pub fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conv,
        handle: *mut *mut Handle,
    ) -> c_int;
    pub fn pam_end(handle: *mut Handle, status: c_int) -> c_int;
    pub fn pam_set_item(handle: *mut Handle, item: c_int, value: *const c_void) -> c_int;
    pub fn pam_get_item(handle: *const Handle, item: c_int, value: *mut *const c_void) -> c_int;
    pub fn pam_authenticate(handle: *mut Handle, flags: c_int) -> c_int;
    pub fn pam_acct_mgmt(handle: *mut Handle, flags: c_int) -> c_int;
    pub fn pam_setcred(handle: *mut Handle, flags: c_int) -> c_int;
    pub fn pam_strerror(handle: *mut Handle, status: c_int) -> *const c_char;
}

pub const SUCCESS: c_int = 0;
pub const BUF_ERR: c_int = 5;
pub const CONV_ERR: c_int = 19;

pub const ITEM_USER: c_int = 2;
pub const ITEM_TTY: c_int = 3;
pub const ITEM_RHOST: c_int = 4;
pub const ITEM_FAIL_DELAY: c_int = 10;

pub const PROMPT_ECHO_OFF: c_int = 1;
pub const PROMPT_ECHO_ON: c_int = 2;
pub const ERROR_MSG: c_int = 3;
pub const TEXT_INFO: c_int = 4;

pub const SILENT: c_int = 0x8000;
pub const DISALLOW_NULL_AUTHTOK: c_int = 0x0001;
pub const ESTABLISH_CRED: c_int = 0x0002;

/// PAM_MAX_NUM_MSG.
pub const MESSAGES_MAX: usize = 32;
