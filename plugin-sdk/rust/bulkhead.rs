//! Bulkhead plugins in safe Rust: a thin layer over the C ABI of `plugin.h`, without other crates.
//!
//! ```ignore
//! use bulkhead::{Call, Error, Plugin, Services};
//!
//! struct Greeter;
//!
//! impl Plugin for Greeter {
//!     fn create(_services: Services, _config: &str) -> Result<Self, Error> { Ok(Greeter) }
//! }
//!
//! impl Greeter {
//!     fn greet(&mut self, call: &Call) -> Result<String, Error> { Ok(format!("Hello, {}!", call.text()?)) }
//! }
//!
//! bulkhead::plugin! { Greeter, "greeter", "1.0.0"; "greet" => Greeter::greet }
//! ```
//!
//! A panic never leaves the plugin: in a method it fails the call with number 1 and the panic's text, in `create` or
//! `activate` it refuses the start. The plugin object stays as the panic left it.
//!
//! Compiles with Rust 1.63 and later.

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_long, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

/// The tables of `plugin.h`. For `plugin!`, not for direct use.
#[doc(hidden)]
pub mod abi;

/// Running the method twice is as good as once: a call that had begun when its worker died is tried again.
pub const IDEMPOTENT: u32 = 1;

/// A failure with a number of the plugin's own; both reach the caller unchanged. `?` makes one with number 1 of any
/// error of the standard library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub number: i32,
    pub text: String,
}

impl Error {
    pub fn new(number: i32, text: impl Into<String>) -> Self {
        Error { number, text: text.into() }
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Error::new(1, error.to_string())
    }
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warning = 2,
    Error = 3,
}

/// What the worker does for the plugin outside of a call. Any thread, until the plugin object has been dropped.
#[derive(Clone, Copy)]
pub struct Services(&'static abi::Services);

impl Services {
    /// Logs one line; more than 240 bytes are cut. Never blocks.
    pub fn log(&self, level: Level, text: &str) {
        unsafe { (self.0.log)(level as c_int, text.as_ptr() as *const c_char, text.len()) }
    }

    /// The folder of the plugin's manifest.
    pub fn plugin_directory(&self) -> std::path::PathBuf {
        use std::os::unix::ffi::OsStrExt;
        let directory = unsafe { CStr::from_ptr((self.0.plugin_directory)()) };
        std::ffi::OsStr::from_bytes(directory.to_bytes()).into()
    }
}

/// Owns the duty to answer one call. A handler that answers later takes it by value and may send it to another
/// thread; dropped without an answer it fails the call, so that no caller waits in vain.
pub struct Call {
    handle: *mut abi::CallHandle, // null: answered
    request: abi::Bytes,
    services: Services,
}

// The ABI's services may be called from any thread.
unsafe impl Send for Call {}

impl Call {
    /// The request, in place.
    pub fn bytes(&self) -> &[u8] {
        // Valid until the answer, and every answer consumes the call.
        unsafe { slice_of(self.request) }
    }

    /// The request as text. Fails when it is not UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(self.bytes()).map_err(|_| Error::new(1, "the request is not UTF-8"))
    }

    /// Answers with a copy of these bytes.
    pub fn reply(mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let handle = self.take();
        unsafe { (self.services.0.reply)(handle, bytes.as_ptr() as *const c_void, bytes.len()) }
    }

    /// Answers with what `build` writes into a buffer of `size` bytes, without a copy; `build` returns how many count.
    /// Fails the call when there is no room for that many.
    pub fn reply_in_place(mut self, size: usize, build: impl FnOnce(&mut [u8]) -> usize) {
        let buffer = unsafe { (self.services.0.reply_buffer)(self.handle, size) } as *mut u8;
        if buffer.is_null() {
            return self.fail(&Error::new(1, format!("there is no room for an answer of {size} bytes")));
        }
        let used = unsafe {
            std::ptr::write_bytes(buffer, 0, size);
            build(std::slice::from_raw_parts_mut(buffer, size)).min(size)
        };
        let handle = self.take();
        unsafe { (self.services.0.commit_reply)(handle, used) }
    }

    /// Answers with an error.
    pub fn fail(mut self, error: &Error) {
        let handle = self.take();
        self.services.fail(handle, error);
    }

    /// How long the caller still waits; none: for as long as it takes.
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = unsafe { (self.services.0.deadline)(self.handle) };
        if deadline == 0 {
            return None;
        }
        Some(Duration::from_nanos(deadline.saturating_sub(monotonic_now())))
    }

    /// Nobody waits for the answer any more: give up early. The call still has to be answered.
    pub fn cancelled(&self) -> bool {
        unsafe { (self.services.0.cancelled)(self.handle) != 0 }
    }

    /// What ties this call to others of the same caller, in traces.
    pub fn trace_id(&self) -> Option<[u8; 16]> {
        let mut id = [0; 16];
        let carried = unsafe { (self.services.0.trace_id)(self.handle, id.as_mut_ptr()) != 0 };
        carried.then(|| id)
    }

    pub fn services(&self) -> Services {
        self.services
    }

    fn take(&mut self) -> *mut abi::CallHandle {
        std::mem::replace(&mut self.handle, std::ptr::null_mut())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            let handle = self.take();
            let text = if std::thread::panicking() { "panicked before it answered" } else { "dropped without an answer" };
            self.services.fail(handle, &Error::new(1, text));
        }
    }
}

impl Services {
    fn fail(&self, handle: *mut abi::CallHandle, error: &Error) {
        // The ABI's text ends at its first zero.
        let text = CString::new(error.text.replace('\0', "")).unwrap_or_default();
        unsafe { (self.0.fail)(handle, error.number, text.as_ptr()) }
    }
}

/// A plugin: one object in each worker. All functions run on the worker's main thread, one after the other.
pub trait Plugin: Sized + 'static {
    /// `config` is the manifest's "config" as JSON. An error refuses the start.
    fn create(services: Services, config: &str) -> Result<Self, Error>;

    /// This worker begins to serve: take what only one process may have.
    fn activate(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// No further call comes; the last chance to answer open ones.
    fn deactivate(&mut self) {}
}

/// What can answer a method: `fn(&mut T, &Call) -> Result<R, Error>`, by returning, or `fn(&mut T, Call)`, now or later.
pub trait Handler<T, Shape> {
    fn handle(self, plugin: &mut T, call: Call);
}

#[doc(hidden)]
pub struct Returns<R>(R);
#[doc(hidden)]
pub struct AnswersItself;

impl<T, R: AsRef<[u8]>, F: FnOnce(&mut T, &Call) -> Result<R, Error>> Handler<T, Returns<R>> for F {
    fn handle(self, plugin: &mut T, call: Call) {
        // What the answer is made of may panic too: when it shows its bytes, and when it is dropped.
        let services = call.services;
        let mut open = Some(call);
        let outcome = guarded(|| {
            if let Some(call) = &open {
                let answer = self(plugin, call)?;
                let bytes = answer.as_ref();
                if let Some(call) = open.take() {
                    call.reply(bytes);
                }
            }
            Ok(())
        });
        if let Err(error) = outcome {
            match open {
                Some(call) => call.fail(&error),
                None => services.log(Level::Error, &error.text),
            }
        }
    }
}

impl<T, F: FnOnce(&mut T, Call)> Handler<T, AnswersItself> for F {
    fn handle(self, plugin: &mut T, call: Call) {
        let services = call.services;
        if let Err(error) = guarded(|| {
            self(plugin, call);
            Ok(())
        }) {
            services.log(Level::Error, &error.text);
        }
    }
}

/// Runs `step`; a panic becomes an error.
fn guarded<R>(step: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for an unknown reason");
        Err(Error::new(1, format!("panicked: {text}")))
    })
}

unsafe fn slice_of<'a>(bytes: abi::Bytes) -> &'a [u8] {
    if bytes.size == 0 {
        return &[];
    }
    std::slice::from_raw_parts(bytes.data as *const u8, bytes.size)
}

fn monotonic_now() -> u64 {
    #[repr(C)]
    struct TimeSpec {
        seconds: c_long,
        nanoseconds: c_long,
    }
    extern "C" {
        fn clock_gettime(clock: c_int, time: *mut TimeSpec) -> c_int;
    }
    const MONOTONIC: c_int = 1;
    let mut now = TimeSpec { seconds: 0, nanoseconds: 0 };
    unsafe { clock_gettime(MONOTONIC, &mut now) };
    now.seconds as u64 * 1_000_000_000 + now.nanoseconds as u64
}

/// The functions of the table. For `plugin!`, not for direct use.
#[doc(hidden)]
pub mod glue {
    use super::*;

    struct Instance<T> {
        services: Services,
        object: T,
    }

    // Cut between two characters.
    unsafe fn tell(out: *mut abi::ErrorText, error: &Error) {
        let room = std::mem::size_of_val(&(*out).text) - 1;
        let mut length = error.text.len().min(room);
        while !error.text.is_char_boundary(length) {
            length -= 1;
        }
        (*out).number = error.number;
        for (place, byte) in (*out).text.iter_mut().zip(&error.text.as_bytes()[..length]) {
            *place = *byte as c_char;
        }
        (*out).text[length] = 0;
    }

    pub unsafe extern "C" fn create<T: Plugin>(
        services: *const abi::Services,
        config: abi::Bytes,
        instance: *mut *mut c_void,
        error: *mut abi::ErrorText,
    ) -> c_int {
        let made = guarded(|| {
            if (*services).size < std::mem::size_of::<abi::Services>() {
                return Err(Error::new(1, "the worker offers fewer services than the plugin was compiled for"));
            }
            let services = Services(&*services);
            let object = T::create(services, std::str::from_utf8(slice_of(config))?)?;
            Ok(Box::new(Instance { services, object }))
        });
        match made {
            Ok(made) => {
                *instance = Box::into_raw(made) as *mut c_void;
                0
            }
            Err(reason) => {
                tell(error, &reason);
                1
            }
        }
    }

    pub unsafe extern "C" fn destroy<T: Plugin>(instance: *mut c_void) {
        let instance = Box::from_raw(instance as *mut Instance<T>);
        let services = instance.services;
        log_failure(services, guarded(|| Ok(drop(instance))));
    }

    pub unsafe extern "C" fn activate<T: Plugin>(instance: *mut c_void, error: *mut abi::ErrorText) -> c_int {
        let instance = &mut *(instance as *mut Instance<T>);
        match guarded(|| instance.object.activate()) {
            Ok(()) => 0,
            Err(reason) => {
                tell(error, &reason);
                1
            }
        }
    }

    pub unsafe extern "C" fn deactivate<T: Plugin>(instance: *mut c_void) {
        let instance = &mut *(instance as *mut Instance<T>);
        let services = instance.services;
        log_failure(services, guarded(|| Ok(instance.object.deactivate())));
    }

    fn log_failure(services: Services, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            services.log(Level::Error, &error.text);
        }
    }

    pub unsafe fn run<T: Plugin, Shape, H: Handler<T, Shape>>(
        instance: *mut c_void,
        handle: *mut abi::CallHandle,
        request: abi::Bytes,
        handler: H,
    ) {
        // The worker enters the plugin once at a time, so nobody else has the object now.
        let instance = &mut *(instance as *mut Instance<T>);
        handler.handle(&mut instance.object, Call { handle, request, services: instance.services });
    }
}

/// The library's one export: the plugin type, its name and version, then its methods, each with flags where needed:
/// `"get" [bulkhead::IDEMPOTENT] => Store::get`.
#[macro_export]
macro_rules! plugin {
    ($class:ty, $name:literal, $version:literal; $($method:literal $([$flags:expr])? => $handler:expr),+ $(,)?) => {
        #[no_mangle]
        pub extern "C" fn bulkhead_plugin() -> *const $crate::abi::PluginTable {
            const METHODS: &[$crate::abi::Method] = &[$($crate::abi::Method {
                name: concat!($method, "\0").as_ptr() as *const _,
                flags: 0 $(| $flags)?,
                reserved: 0,
                run: {
                    unsafe extern "C" fn run(
                        instance: *mut std::os::raw::c_void,
                        call: *mut $crate::abi::CallHandle,
                        request: $crate::abi::Bytes,
                    ) {
                        $crate::glue::run::<$class, _, _>(instance, call, request, $handler)
                    }
                    run
                },
            }),+];
            static TABLE: $crate::abi::PluginTable = $crate::abi::PluginTable {
                size: std::mem::size_of::<$crate::abi::PluginTable>(),
                abi_version: $crate::abi::VERSION,
                method_size: std::mem::size_of::<$crate::abi::Method>() as u32,
                name: concat!($name, "\0").as_ptr() as *const _,
                version: concat!($version, "\0").as_ptr() as *const _,
                methods: METHODS.as_ptr(),
                method_count: METHODS.len(),
                create: $crate::glue::create::<$class>,
                destroy: $crate::glue::destroy::<$class>,
                activate: Some($crate::glue::activate::<$class>),
                deactivate: Some($crate::glue::deactivate::<$class>),
                state_version: 0,
                reserved: 0,
                save: None,
                load: None,
            };
            &TABLE
        }
    };
}
