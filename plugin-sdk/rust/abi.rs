//! The tables of `plugin.h`, member for member. Its comments say who owns what, for how long, and on which thread.

use std::os::raw::{c_char, c_int, c_void};

/// `BULKHEAD_ABI_VERSION`.
pub const VERSION: u32 = 1;

/// `bulkhead_call`: opaque.
pub enum CallHandle {}

/// `bulkhead_state`: opaque.
pub enum StateHandle {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *const c_void,
    pub size: usize,
}

#[repr(C)]
pub struct ErrorText {
    pub number: i32,
    pub text: [c_char; 252],
}

/// As of the first version of the ABI. A worker's table goes on after it when `size` says so: first with `write_state`
/// and `request_checkpoint`, of the types below.
#[repr(C)]
pub struct Services {
    pub size: usize,
    pub abi_version: u32,
    pub reserved: u32,
    pub log: unsafe extern "C" fn(c_int, *const c_char, usize),
    pub reply: unsafe extern "C" fn(*mut CallHandle, *const c_void, usize),
    pub reply_buffer: unsafe extern "C" fn(*mut CallHandle, usize) -> *mut c_void,
    pub commit_reply: unsafe extern "C" fn(*mut CallHandle, usize),
    pub fail: unsafe extern "C" fn(*mut CallHandle, i32, *const c_char),
    pub deadline: unsafe extern "C" fn(*const CallHandle) -> u64,
    pub cancelled: unsafe extern "C" fn(*const CallHandle) -> c_int,
    pub trace_id: unsafe extern "C" fn(*const CallHandle, *mut u8) -> c_int,
    pub plugin_directory: unsafe extern "C" fn() -> *const c_char,
}

pub type WriteState = unsafe extern "C" fn(*mut StateHandle, *const c_void, usize) -> c_int;
pub type RequestCheckpoint = unsafe extern "C" fn();

#[repr(C)]
pub struct Method {
    pub name: *const c_char,
    pub flags: u32,
    pub reserved: u32,
    pub run: unsafe extern "C" fn(*mut c_void, *mut CallHandle, Bytes),
}

#[repr(C)]
pub struct PluginTable {
    pub size: usize,
    pub abi_version: u32,
    pub method_size: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub methods: *const Method,
    pub method_count: usize,
    pub create: unsafe extern "C" fn(*const Services, Bytes, *mut *mut c_void, *mut ErrorText) -> c_int,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub activate: Option<unsafe extern "C" fn(*mut c_void, *mut ErrorText) -> c_int>,
    pub deactivate: Option<unsafe extern "C" fn(*mut c_void)>,
    pub state_version: u32,
    pub reserved: u32,
    pub save: Option<unsafe extern "C" fn(*mut c_void, *mut StateHandle, *mut ErrorText) -> c_int>,
    pub load: Option<unsafe extern "C" fn(*mut c_void, u32, Bytes, *mut ErrorText) -> c_int>,
}

// Constant, and so is all that it points to.
unsafe impl Sync for PluginTable {}

const _: () = assert!(std::mem::size_of::<ErrorText>() == 256, "as published in plugin.h");