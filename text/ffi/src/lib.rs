//! The C boundary described in engine_text.h. Whatever panics below it becomes an error here: the crates that read
//! untrusted files assert in many places.

mod bpe;
mod clock;
mod gbnf;
mod generation_tags;
mod grammar;
mod grammar_source;
mod grammar_vocabulary;
mod merge_texts;
mod model;
mod python_json;
mod step_meter;
mod template;
mod tokenizer;
mod tokenizer_check;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::{slice, thread};

/// Bytes handed to the caller, or nothing (null).
#[repr(C)]
pub struct Buffer {
    data: *mut u8,
    size: usize,
}

impl Buffer {
    fn from_vec(bytes: Vec<u8>) -> Buffer {
        let boxed = bytes.into_boxed_slice();
        let size = boxed.len();
        Buffer { data: Box::into_raw(boxed) as *mut u8, size }
    }
}

/// # Safety
/// `buffer` came from this library and is freed once.
#[no_mangle]
pub unsafe extern "C" fn engine_text_free(buffer: Buffer) {
    if !buffer.data.is_null() {
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(buffer.data, buffer.size)));
    }
}

/// The caller's bytes; an empty slice may come with a null pointer.
unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 { &[] } else { slice::from_raw_parts(data, size) }
}

unsafe fn text<'a>(data: *const u8, size: usize) -> Result<&'a str, String> {
    std::str::from_utf8(bytes(data, size)).map_err(|e| format!("the text is not valid UTF-8: {e}"))
}

/// The call's result; a panic is an error.
fn caught<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    static SILENCE: std::sync::Once = std::sync::Once::new();
    SILENCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let line = text.and_then(|text| text.lines().next()).unwrap_or("no reason given");
        Err(format!("the file is not usable as it is: a check failed inside the library that reads it ({line})"))
    })
}

/// Runs a call on a thread whose stack holds any recursion that the limits of its input allow.
fn on_stack<T: Send>(bytes: usize, call: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let spawned = thread::Builder::new().stack_size(bytes).spawn_scoped(scope, || caught(call));
        let thread = spawned.map_err(|e| format!("no thread could be started: {e}"))?;
        thread.join().unwrap_or_else(|_| Err("the thread ended without a result".to_string()))
    })
}

/// Stores what a call returns, or its error, where the caller asked for them.
unsafe fn store<T>(call: impl FnOnce() -> Result<T, String>, out: *mut T, error: *mut Buffer) -> i32 {
    match caught(call) {
        Ok(value) => {
            out.write(value);
            0
        }
        Err(message) => {
            error.write(Buffer::from_vec(message.into_bytes()));
            1
        }
    }
}
